// Dense products of bf16 by kernels for f32: a product of two bf16 numbers is exact in f32, so
// nothing is lost by widening the operands first.
#include <algorithm>
#include <array>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/dense.h"

namespace engine::cpu {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Where the weight is among the inputs: the only f32 operand that is rounded.
bool is_weight(const Problem& problem, std::size_t input) {
  return input == 1 && problem.op != "dense_weight_gradient";
}

Problem widened(Problem problem) {
  for (auto* types : {&problem.inputs, &problem.outputs})
    for (TensorType& type : *types)
      if (type.dtype == DType::bf16) type.dtype = DType::f32;
  if (problem.op == "dense") {
    DenseAttributes attributes = DenseAttributes::from(problem.attributes);
    attributes.output = DType::f32;
    problem.attributes = attributes.to_attributes();
  }
  return problem;
}

// The operands of a bf16 problem as the f32 kernel gets them: those that have a copy lie in the
// workspace, one after another.
class Operands {
 public:
  explicit Operands(const Problem& problem) : wide_(widened(problem)) {
    for (std::size_t i = 0; i < problem.inputs.size(); ++i)
      add(wide_.inputs[i], problem.inputs[i].dtype == DType::bf16 || is_weight(problem, i));
    for (std::size_t i = 0; i < problem.outputs.size(); ++i)
      add(wide_.outputs[i], problem.outputs[i].dtype == DType::bf16);
  }

  const Problem& problem() const { return wide_; }
  std::size_t bytes() const { return bytes_; }

  void launch(Kernel& kernel, const LaunchArguments& arguments) {
    const std::size_t inputs = arguments.inputs.size(), outputs = arguments.outputs.size();
    auto* workspace = static_cast<std::byte*>(arguments.workspace);
    for (std::size_t i = 0; i < inputs; ++i) bring(i, arguments.inputs[i], workspace);
    for (std::size_t i = 0; i < outputs; ++i) place(inputs + i, arguments.outputs[i], workspace);
    const std::span<const TensorView> views(views_);
    kernel.launch({views.first(inputs), views.subspan(inputs, outputs), workspace + bytes_,
                   arguments.stream});
    for (std::size_t i = 0; i < outputs; ++i) take(inputs + i, arguments.outputs[i]);
  }

 private:
  static constexpr std::size_t kMost = 6;

  void add(const TensorType& type, bool copied) {
    views_.at(count_).type = type;
    copied_[count_] = copied;
    offsets_[count_++] = bytes_;
    if (copied) bytes_ += aligned(type.bytes());
  }

  void place(std::size_t operand, const TensorView& original, std::byte* workspace) {
    views_[operand].data = copied_[operand] ? workspace + offsets_[operand] : original.data;
  }

  void bring(std::size_t operand, const TensorView& original, std::byte* workspace) {
    place(operand, original, workspace);
    if (!copied_[operand]) return;
    float* copy = views_[operand].as<float>();
    const bool widens = original.type.dtype == DType::bf16;
    parallel_for(original.type.element_count(), kElementGrain,
                 [&](std::int64_t begin, std::int64_t end) {
                   if (widens)
                     widen(original.as<bfloat16>() + begin, copy + begin, end - begin);
                   else
                     round_to_bfloat16(original.as<float>() + begin, copy + begin, end - begin);
                 });
  }

  void take(std::size_t operand, const TensorView& original) {
    if (!copied_[operand]) return;
    const float* copy = views_[operand].as<float>();
    parallel_for(original.type.element_count(), kElementGrain,
                 [&](std::int64_t begin, std::int64_t end) {
                   narrow(copy + begin, original.as<bfloat16>() + begin, end - begin);
                 });
  }

  Problem wide_;
  std::array<TensorView, kMost> views_;
  std::array<bool, kMost> copied_{};
  std::array<std::size_t, kMost> offsets_{};
  std::size_t count_ = 0, bytes_ = 0;
};

class WidenedKernel final : public Kernel {
 public:
  WidenedKernel(Operands operands, std::unique_ptr<Kernel> kernel)
      : operands_(std::move(operands)), kernel_(std::move(kernel)) {}
  void launch(const LaunchArguments& arguments) override { operands_.launch(*kernel_, arguments); }

 private:
  Operands operands_;
  std::unique_ptr<Kernel> kernel_;
};

class WidenedDense final : public KernelCandidate {
 public:
  explicit WidenedDense(std::unique_ptr<KernelCandidate> f32)
      : f32_(std::move(f32)), id_(f32_->id() + ".widened") {}
  const std::string& op() const override { return f32_->op(); }
  const std::string& backend() const override { return f32_->backend(); }
  const std::string& id() const override { return id_; }
  int version() const override { return f32_->version(); }
  double error_factor(const Problem& problem) const override {
    return product_error_factor(problem);
  }

  Support query(const Problem& problem, Device& device) const override {
    if (!multiplies_bfloat16(problem)) return Support::refuse("multiplies bf16");
    const Operands operands(problem);
    Support support = f32_->query(operands.problem(), device);
    for (Configuration& configuration : support.configurations)
      configuration.workspace += operands.bytes();
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override {
    Operands operands(problem);
    Configuration inner = configuration;
    inner.workspace -= operands.bytes();
    auto kernel = f32_->prepare(operands.problem(), inner, device);
    return std::make_unique<WidenedKernel>(std::move(operands), std::move(kernel));
  }

 private:
  std::unique_ptr<KernelCandidate> f32_;
  std::string id_;
};

}  // namespace

std::unique_ptr<KernelCandidate> make_widened_dense(std::unique_ptr<KernelCandidate> f32) {
  return std::make_unique<WidenedDense>(std::move(f32));
}

}  // namespace engine::cpu
