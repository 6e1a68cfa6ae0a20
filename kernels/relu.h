// Rectified linear unit, f32 of any shape.
//
//   relu           x -> y = x > 0 ? x : 0; NaN stays NaN, and -0 becomes 0. y may be x.
//   relu_gradient  dy, y -> dx = y > 0 ? dy * scale : 0. dx may be dy. The attribute "scale" (real)
//   is
//                  1, or 1 / (1 - rate) when y went through a drop-out as well: an element it
//                  dropped is 0, so y > 0 is the mask of both.
#pragma once
