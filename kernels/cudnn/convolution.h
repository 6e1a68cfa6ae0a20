// What the two candidates, one for each of cuDNN's APIs, have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kernels/cudnn/convolution_kernel.h"

namespace engine::cuda {

class CudnnConvolution : public KernelCandidate {
 public:
  CudnnConvolution(std::string op, std::string id) : op_(std::move(op)), id_(std::move(id)) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return cudnn_convolution_error_factor(problem);
  }
  // Winograd's and Fourier's transforms are among its algorithms.
  Exactness exactness(const Problem&) const override { return Exactness::none; }
  Support query(const Problem& problem, Device& device) const override;
  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override;

 protected:
  /// Gets the ways to solve a problem, those whose names it wants.
  struct Visitor {
    std::function<bool(const std::string& name)> wants;
    std::function<void(const std::string& name, bool deterministic,
                       std::unique_ptr<LibraryConvolution>)>
        take;
  };

 private:
  /// Why this API does not solve the problem, or "".
  virtual std::string refuse(const ConvolutionProblem& problem) const = 0;
  virtual void visit(const ConvolutionProblem& problem, Device& device,
                     const Visitor& visitor) const = 0;

  std::string op_;
  std::string backend_ = "cuda";
  std::string id_;
};

/// "cudnn.legacy" and "cudnn.graph" for one of the three ops.
std::unique_ptr<KernelCandidate> make_legacy_convolution(const std::string& op);
std::unique_ptr<KernelCandidate> make_graph_convolution(const std::string& op);

}  // namespace engine::cuda
