// Mean squared error of f32 tensors of one shape with n elements.
//
//   mean_squared_error           prediction p, target t -> loss f32[]: the mean of (p - t)²; 0 if
//                                n = 0
//   mean_squared_error_gradient  p, t, dloss f32[] -> dp = 2 (p - t) * dloss / n. dp may be p or t.
//                                With p and t exchanged it is the target's gradient.
#pragma once
