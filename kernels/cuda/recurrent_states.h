// What recurrent layers launch beside products and steps.
#pragma once

#include "kernels/cuda/recurrent.h"

namespace engine::cuda {

/// The states before the first step, and the state that r multiplies: s = h ∘ scale.
void launch_first_states(const ForwardLayer& layer, float* s, cudaStream_t stream);

/// dh and dc after the last step, 0 where the layer gets none.
void launch_first_gradients(const BackwardLayer& layer, const BackwardBuffers& buffers,
                            cudaStream_t stream);
/// The gradients of the initial states.
void launch_last_gradients(const BackwardLayer& layer, const BackwardBuffers& buffers,
                           cudaStream_t stream);

/// What r multiplied at all steps, [N, T, H]: s and, unless `operand` is nullptr, reset ∘ s with
/// the second of `gates` gates.
void launch_state_rows(const BackwardLayer& layer, int gates, float* s, float* operand,
                       cudaStream_t stream);

}  // namespace engine::cuda
