// binary_accuracy: logits z f32[...], targets t f32 of the same shape -> correct i32[], the number
// of elements with (z > 0) == (t > 0.5). An element with a NaN is not correct.
#pragma once
