// Everything around the library's product: filters in the library's order and type, the epilogue,
// db, and problems without terms.
#pragma once

#include <memory>

#include "engine/tune/candidate.h"
#include "kernels/cudnn/convolution_problem.h"
#include "kernels/cudnn/handle.h"

namespace engine::cuda {

/// Where the library finds the tensors, its result among them.
struct ConvolutionOperands {
  void *x, *w, *y;
};

/// One way of the library to compute a product; launches on the handle's stream.
class LibraryConvolution {
 public:
  virtual ~LibraryConvolution() = default;
  virtual std::size_t workspace() const = 0;  ///< bytes
  virtual void launch(cudnnHandle_t handle, const ConvolutionOperands& operands,
                      void* workspace) = 0;
};

/// Bytes of workspace of a whole kernel whose product needs `library_bytes`.
std::size_t convolution_workspace(const ConvolutionProblem& problem, std::size_t library_bytes);

/// `product` with all that surrounds it; without one for an empty problem.
std::unique_ptr<Kernel> make_convolution_kernel(const Problem& problem, Device& device,
                                                std::unique_ptr<LibraryConvolution> product);

/// The one configuration of an empty problem.
Configuration empty_configuration();

}  // namespace engine::cuda
