// The hand-written candidates of convolution on CUDA, each in files of its own.
#pragma once

#include <string>
#include <utility>

#include "engine/tune/registry.h"
#include "kernels/convolution.h"

namespace engine::cuda {

/// What they have in common: a candidate of one of the three directions.
class ConvolutionCandidate : public KernelCandidate {
 public:
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return version_; }
  double error_factor(const Problem& problem) const override {
    return convolution_error_factor(problem);
  }

 protected:
  ConvolutionCandidate(std::string op, std::string id, int version)
      : op_(std::move(op)), id_(std::move(id)), version_(version) {}

  [[noreturn]] void refuse_configuration(const Configuration& configuration) const {
    throw UsageError(op_ + ": " + id_ + " has no configuration '" + configuration.name + "'");
  }

 private:
  std::string op_, backend_ = "cuda", id_;
  int version_;
};

void register_depthwise_convolution(CandidateRegistry& registry);
void register_direct_convolution(CandidateRegistry& registry);
void register_fused_winograd_convolution(CandidateRegistry& registry);
void register_gemm_convolution(CandidateRegistry& registry);
void register_winograd_convolution(CandidateRegistry& registry);

}  // namespace engine::cuda
