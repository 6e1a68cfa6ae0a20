// Convolution and its gradients by cuDNN: candidates of both its APIs, each also with channels
// padded to what its kernels for tensor cores want. The device's fingerprint holds the library's
// version, so that recorded names keep their meaning.
#include "kernels/cudnn/convolution.h"

#include "engine/tune/registry.h"
#include "kernels/converted.h"
#include "kernels/cuda/launchers.h"
#include "kernels/padded_channels.h"

namespace engine {
namespace cuda {

Support CudnnConvolution::query(const Problem& problem, Device& device) const {
  const auto p = ConvolutionProblem::of(problem);
  std::string why = refuse_convolution(problem);
  if (why.empty()) why = refuse(p);
  if (!why.empty()) return Support::refuse(why);
  if (p.is_empty()) return {{empty_configuration()}, ""};
  Support support;
  visit(p, device,
        {[](const std::string&) { return true; },
         [&](const std::string& name, bool deterministic, auto product) {
           support.configurations.push_back(
               {name, convolution_workspace(p, product->workspace()), deterministic});
         }});
  if (support.configurations.empty()) support.refusal = "cuDNN has nothing for this problem";
  return support;
}

std::unique_ptr<Kernel> CudnnConvolution::prepare(const Problem& problem,
                                                  const Configuration& configuration,
                                                  Device& device) const {
  const auto p = ConvolutionProblem::of(problem);
  if (p.is_empty()) return make_convolution_kernel(problem, device, nullptr);
  std::unique_ptr<LibraryConvolution> found;
  visit(p, device,
        {[&](const std::string& name) { return found == nullptr && name == configuration.name; },
         [&](const std::string&, bool, auto product) { found = std::move(product); }});
  if (found == nullptr)
    throw UsageError(op_ + ": " + id_ + " has no configuration '" + configuration.name + "'");
  return make_convolution_kernel(problem, device, std::move(found));
}

namespace {

constexpr std::int64_t kGranule = 16;  // bytes: 4 floats, 8 numbers of bf16

std::unique_ptr<KernelCandidate> padded(std::unique_ptr<KernelCandidate> candidate) {
  const auto inner = [](const Problem& problem) { return pad_channels(problem, kGranule); };
  const auto copy = [](Stream& stream, const TensorView& from, const TensorView& to, bool) {
    launch_resize_channels(stream, from, to);
  };
  const auto refuse = [](const Problem& problem) -> std::string {
    if (problem.math == Math::strict && !multiplies_bfloat16(problem))
      return "strict products of f32 take any number of channels";
    if (problem.inputs[0].layout != Layout::channels_last) return "takes channels-last images";
    return refuse_padded_channels(problem, kGranule);
  };
  return make_converted(std::move(candidate), {".padded", inner, copy, refuse});
}

}  // namespace
}  // namespace cuda

void register_convolution_cudnn(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"}) {
    registry.add(cuda::make_legacy_convolution(op));
    registry.add(cuda::make_graph_convolution(op));
    registry.add(cuda::padded(cuda::make_legacy_convolution(op)));
    registry.add(cuda::padded(cuda::make_graph_convolution(op)));
  }
}

}  // namespace engine
