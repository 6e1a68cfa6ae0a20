// A recurrent layer and its gradient around cuDNN's calls.
#pragma once

#include <memory>

#include "engine/tune/candidate.h"
#include "kernels/cudnn/rnn.h"

namespace engine::cuda {

class RnnKernel : public Kernel {
 public:
  virtual std::size_t workspace() const = 0;  ///< bytes
};

/// `rnn` is prepared, for training where the problem is a gradient. `cell` must outlive the kernel.
std::unique_ptr<RnnKernel> make_rnn_kernel(const Problem& problem, const RecurrentCell& cell,
                                           CudnnHandle& handle, std::unique_ptr<LibraryRnn> rnn);

}  // namespace engine::cuda
