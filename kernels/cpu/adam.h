// Adam over a slice of tensors, for all that has to round as it does.
#pragma once

#include "kernels/adam.h"
#include "kernels/cpu/multi_tensor.h"

namespace engine::cpu {

/// The parameter and its two moments.
using AdamSlice = Slice<OptimizerUpdate<Adam>::kStates>;

/// One update. Denormals are up to the caller (FlushDenormals).
void update_adam(const OptimizerUpdate<Adam>::Step<float>& step, const AdamSlice& slice);

}  // namespace engine::cpu
