// Copies are made before and after the kernel, of operands that lie in the workspace one after
// another.
#include "kernels/converted.h"

#include <array>

#include "kernels/dense.h"

namespace engine {
namespace {

constexpr std::size_t kAlignment = 256;  // what any device's kernels rely on

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// The only f32 operand of a bf16 product that is multiplied.
bool is_weight(const Problem& problem, std::size_t input) {
  return input == 1 && multiplies_bfloat16(problem) && problem.inputs[1].dtype == DType::f32;
}

// The operands of a problem as the inner kernel gets them: those that have a copy lie in the
// workspace, one after another.
class Operands {
 public:
  Operands(const Problem& problem, const Conversion& conversion)
      : inner_(conversion.inner(problem)), copy_(conversion.copy) {
    for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
      rounded_[i] = is_weight(problem, i) && !multiplies_bfloat16(inner_);
      add(inner_.inputs[i], problem.inputs[i] != inner_.inputs[i] || rounded_[i]);
    }
    for (std::size_t i = 0; i < problem.outputs.size(); ++i)
      add(inner_.outputs[i], problem.outputs[i] != inner_.outputs[i]);
  }

  const Problem& problem() const { return inner_; }
  std::size_t bytes() const { return bytes_; }
  bool any() const { return copies_; }

  void launch(Kernel& kernel, const LaunchArguments& arguments) {
    const std::size_t inputs = arguments.inputs.size(), outputs = arguments.outputs.size();
    auto* workspace = static_cast<std::byte*>(arguments.workspace);
    for (std::size_t i = 0; i < inputs; ++i) {
      place(i, arguments.inputs[i], workspace);
      if (copied_[i]) copy_(arguments.stream, arguments.inputs[i], views_[i], rounded_[i]);
    }
    for (std::size_t i = 0; i < outputs; ++i) place(inputs + i, arguments.outputs[i], workspace);
    const std::span<const TensorView> views(views_);
    kernel.launch({views.first(inputs), views.subspan(inputs, outputs), workspace + bytes_,
                   arguments.stream});
    for (std::size_t i = 0; i < outputs; ++i)
      if (copied_[inputs + i])
        copy_(arguments.stream, views_[inputs + i], arguments.outputs[i], false);
  }

 private:
  static constexpr std::size_t kMost = 6;

  void add(const TensorType& type, bool copied) {
    views_.at(count_).type = type;
    copied_[count_] = copied;
    copies_ = copies_ || copied;
    offsets_[count_++] = bytes_;
    if (copied) bytes_ += aligned(type.bytes());
  }

  void place(std::size_t operand, const TensorView& original, std::byte* workspace) {
    views_[operand].data = copied_[operand] ? workspace + offsets_[operand] : original.data;
  }

  Problem inner_;
  void (*copy_)(Stream&, const TensorView&, const TensorView&, bool);
  std::array<TensorView, kMost> views_;
  std::array<bool, kMost> copied_{}, rounded_{};
  std::array<std::size_t, kMost> offsets_{};
  std::size_t count_ = 0, bytes_ = 0;
  bool copies_ = false;
};

class ConvertedKernel final : public Kernel {
 public:
  ConvertedKernel(Operands operands, std::unique_ptr<Kernel> kernel)
      : operands_(std::move(operands)), kernel_(std::move(kernel)) {}
  void launch(const LaunchArguments& arguments) override { operands_.launch(*kernel_, arguments); }

 private:
  Operands operands_;
  std::unique_ptr<Kernel> kernel_;
};

class Converted final : public KernelCandidate {
 public:
  Converted(std::unique_ptr<KernelCandidate> candidate, const Conversion& conversion)
      : candidate_(std::move(candidate)),
        id_(candidate_->id() + conversion.suffix),
        conversion_(conversion) {}
  const std::string& op() const override { return candidate_->op(); }
  const std::string& backend() const override { return candidate_->backend(); }
  const std::string& id() const override { return id_; }
  int version() const override { return candidate_->version(); }
  double error_factor(const Problem& problem) const override {
    const Problem inner = conversion_.inner(problem);
    const double factor = candidate_->error_factor(inner);
    const bool stored = problem.outputs[0].dtype != inner.outputs[0].dtype;
    return stored ? stored_error_factor(problem, factor, 3) : factor;
  }
  Exactness exactness(const Problem& problem) const override {
    return candidate_->exactness(conversion_.inner(problem));
  }

  Support query(const Problem& problem, Device& device) const override {
    if (conversion_.refuse != nullptr)
      if (std::string why = conversion_.refuse(problem); !why.empty()) return Support::refuse(why);
    const Operands operands(problem, conversion_);
    if (!operands.any()) return Support::refuse("there is nothing to convert");
    Support support = candidate_->query(operands.problem(), device);
    for (Configuration& configuration : support.configurations)
      configuration.workspace += operands.bytes();
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override {
    Operands operands(problem, conversion_);
    Configuration inner = configuration;
    inner.workspace -= operands.bytes();
    auto kernel = candidate_->prepare(operands.problem(), inner, device);
    return std::make_unique<ConvertedKernel>(std::move(operands), std::move(kernel));
  }

 private:
  std::unique_ptr<KernelCandidate> candidate_;
  std::string id_;
  Conversion conversion_;
};

}  // namespace

std::unique_ptr<KernelCandidate> make_converted(std::unique_ptr<KernelCandidate> candidate,
                                                const Conversion& conversion) {
  return std::make_unique<Converted>(std::move(candidate), conversion);
}

}  // namespace engine
