// Convolution by the engine's own kernels.
#include "kernels/cpu/convolution.h"

#include "engine/tune/registry.h"
#include "kernels/converted.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

class ConvolutionCandidate final : public KernelCandidate {
 public:
  ConvolutionCandidate(std::string op, ConvolutionFamily family)
      : op_(std::move(op)), family_(std::move(family)) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return family_.id; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return convolution_error_factor(problem, family_.amplification);
  }
  Exactness exactness(const Problem&) const override { return family_.exactness; }

  Support query(const Problem& problem, Device&) const override {
    if (multiplies_bfloat16(problem)) return Support::refuse("multiplies f32");
    if (problem.inputs[0].layout != Layout::channels_last)
      return Support::refuse("takes channels-last images");
    if (std::string why = family_.refuse(problem); !why.empty()) return Support::refuse(why);
    Support support;
    for (const std::string& name : family_.configurations)
      support.configurations.push_back({name, family_.make(problem, name)->workspace(), true});
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    return family_.make(problem, configuration.name);
  }

 private:
  std::string op_;
  std::string backend_ = "cpu";
  ConvolutionFamily family_;
};

// The same convolution of channels-last f32 images.
Problem channels_last_f32(const Problem& problem) {
  Problem inner = widened_convolution(problem);
  for (auto* types : {&inner.inputs, &inner.outputs})
    for (TensorType& type : *types)
      if (type.shape.rank() > 2) type.layout = Layout::channels_last;
  // Weights and their gradient stay as they are.
  if (problem.op == "convolution_weight_gradient")
    inner.outputs[0].layout = Layout::row_major;
  else
    inner.inputs[1].layout = Layout::row_major;
  return inner;
}

}  // namespace

Problem widened_convolution(const Problem& problem) {
  Problem f32 = widened(problem);
  if (problem.op == "convolution") {
    auto attributes = ConvolutionAttributes::from(problem.attributes);
    attributes.epilogue.output = DType::f32;
    f32.attributes = attributes.to_attributes();
  }
  return f32;
}

void drop_channels_last(const ConvolutionGeometry& geometry, const DropoutAttributes& dropout,
                        const LaunchArguments& arguments) {
  const auto step = static_cast<std::uint64_t>(*arguments.inputs[3].as<std::int64_t>());
  const std::int64_t channels = geometry.outputs, positions = geometry.output_positions();
  float* y = arguments.outputs[0].as<float>();
  const std::int64_t grain = kElementGrain / (channels + 1) + 1;
  parallel_for(geometry.batch * positions, grain, [&](std::int64_t begin, std::int64_t end) {
    float* part = y + begin * channels;
    dropout_channels_last(part, part, begin, end - begin, channels, positions, dropout, step,
                          false);
  });
}

}  // namespace cpu

void register_convolution_cpu(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"})
    for (const auto& make :
         {cpu::winograd_convolution, cpu::depthwise_convolution, cpu::gemm_convolution}) {
      const auto candidate = [&] {
        return std::make_unique<cpu::ConvolutionCandidate>(op, make());
      };
      registry.add(candidate());
      registry.add(
          make_converted(candidate(), {".converted", cpu::channels_last_f32, cpu::convert}));
    }
}

}  // namespace engine
