// Softmax folded into the cross-entropy. B rows of C classes, labels in [0, C).
//
//   softmax_cross_entropy           logits f32[B,C], labels i32[B] -> loss f32[]
//                                   mean over rows of log(sum_j exp(z_j - max)) + max - z_label; 0
//                                   if B = 0
//   softmax_cross_entropy_gradient  logits f32[B,C], labels i32[B], dloss f32[] -> dlogits f32[B,C]
//                                   (softmax(z) - onehot(label)) * dloss / B. dlogits may be
//                                   logits.
//
// A label outside [0, C) reads nothing out of bounds: its row's loss and gradient are NaN.
#pragma once
