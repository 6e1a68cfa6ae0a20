// accuracy: logits f32[B,C], labels i32[B] -> correct i32[], the number of rows whose first largest
// logit is at the label. A row with a NaN, or a label outside [0, C), is not correct.
#pragma once
