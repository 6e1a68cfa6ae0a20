// add: a, b of one f32 type -> a + b. The result may be a or b. Sums gradients of a value used
// twice.
#pragma once
