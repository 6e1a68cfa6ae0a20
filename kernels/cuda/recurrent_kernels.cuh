// The table of a cell's kernels, for the file that defines the cell.
#pragma once

#include "kernels/cuda/recurrent_persistent_backward.cuh"
#include "kernels/cuda/recurrent_persistent_forward.cuh"
#include "kernels/cuda/recurrent_steps.cuh"

namespace engine::cuda {

template <class Cell, int kGroup>
constexpr PersistentChain persistent_chain() {
  return {kGroup,
          PersistentLaunch<Cell, kGroup, ForwardLayer, forward_persistent_kernel<Cell, kGroup>,
                           forward_buffers<Cell, kGroup>>::table(),
          PersistentLaunch<Cell, kGroup, BackwardLayer, backward_persistent_kernel<Cell, kGroup>,
                           backward_buffers<Cell, kGroup>>::table()};
}

template <class Cell>
constexpr RecurrentKernels recurrent_kernels(const RecurrentCell& cell) {
  RecurrentKernels kernels{
      .cell = cell,
      .late = Cell::kLate,
      .two_gradients = Cell::kTwoGradients,
      .forward_step = run_step<forward_step_kernel<Cell>, ForwardLayer, ForwardBuffers>,
      .reset_step = nullptr,
      .backward_step = run_step<backward_step_kernel<Cell>, BackwardLayer, BackwardBuffers>,
      .reset_backward_step = nullptr,
      .persistent = {persistent_chain<Cell, 1>(), persistent_chain<Cell, 2>(),
                     persistent_chain<Cell, 4>()},
      .persistent_threads = persistent_threads<Cell>};
  if constexpr (Cell::kLate) {
    kernels.reset_step = run_step<reset_step_kernel<Cell>, ForwardLayer, ForwardBuffers>;
    kernels.reset_backward_step =
        run_step<reset_backward_step_kernel<Cell>, BackwardLayer, BackwardBuffers>;
  }
  return kernels;
}

}  // namespace engine::cuda
