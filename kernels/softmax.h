// Softmax and its logarithm over the last axis of f32[..., D], one row for each index of the
// others. D may be 0.
//
//   softmax               x -> y = exp(x - max) / sum_j exp(x_j - max)
//   log_softmax           x -> y = x - max - log(sum_j exp(x_j - max))
//   softmax_gradient      dy, y -> dx = y * (dy - sum_j dy_j y_j)
//   log_softmax_gradient  dy, y -> dx = dy - exp(y) * sum_j dy_j
//
// y may be x; dx may be dy or y. A NaN or +infinity among the x, or nothing but -infinity, makes
// its whole row NaN.
#pragma once
