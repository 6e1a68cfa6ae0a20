// Conversions are loops of their own before and after the kernel, over operands that lie in the
// workspace one after another.
#include "kernels/cpu/converted.h"

#include <algorithm>
#include <array>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/transpose.h"
#include "kernels/dense.h"

namespace engine::cpu {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// The only f32 operand of a bf16 product that is multiplied.
bool is_weight(const Problem& problem, std::size_t input) {
  return input == 1 && multiplies_bfloat16(problem) && problem.inputs[1].dtype == DType::f32;
}

// Between row-major images [N, C, P] and channels-last ones [N, P, C].
template <class From, class To>
void change_layout(const TensorView& from, const TensorView& to) {
  const Shape& shape = from.type.shape;
  const std::int64_t channels = shape[1],
                     image = from.type.element_count() / std::max<std::int64_t>(1, shape[0]);
  if (image == 0) return;
  const std::int64_t positions = image / channels;
  const bool from_rows = from.type.layout == Layout::row_major;
  parallel_for(shape[0], kElementGrain / image + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      transpose(from.as<From>() + n * image, to.as<To>() + n * image,
                from_rows ? channels : positions, from_rows ? positions : channels,
                [](From value) { return To(value); });
  });
}

// Copies between types of one shape; `rounds`: f32 through bf16.
void convert(const TensorView& from, const TensorView& to, bool rounds) {
  const bool from_narrow = from.type.dtype == DType::bf16, to_narrow = to.type.dtype == DType::bf16;
  if (from.type.layout != to.type.layout) {
    if (from_narrow)
      change_layout<bfloat16, float>(from, to);
    else if (to_narrow)
      change_layout<float, bfloat16>(from, to);
    else
      change_layout<float, float>(from, to);
    return;
  }
  parallel_for(from.type.element_count(), kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    if (from_narrow)
      widen(from.as<bfloat16>() + begin, to.as<float>() + begin, end - begin);
    else if (to_narrow)
      narrow(from.as<float>() + begin, to.as<bfloat16>() + begin, end - begin);
    else if (rounds)
      round_to_bfloat16(from.as<float>() + begin, to.as<float>() + begin, end - begin);
  });
}

// The operands of a problem as the inner kernel gets them: those that have a copy lie in the
// workspace, one after another.
class Operands {
 public:
  Operands(const Problem& problem, Problem inner) : inner_(std::move(inner)) {
    for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
      rounded_[i] = is_weight(problem, i);
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
      if (copied_[i]) convert(arguments.inputs[i], views_[i], rounded_[i]);
    }
    for (std::size_t i = 0; i < outputs; ++i) place(inputs + i, arguments.outputs[i], workspace);
    const std::span<const TensorView> views(views_);
    kernel.launch({views.first(inputs), views.subspan(inputs, outputs), workspace + bytes_,
                   arguments.stream});
    for (std::size_t i = 0; i < outputs; ++i)
      if (copied_[inputs + i]) convert(views_[inputs + i], arguments.outputs[i], false);
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
  Converted(std::unique_ptr<KernelCandidate> candidate, const std::string& suffix,
            Problem (*inner)(const Problem&))
      : candidate_(std::move(candidate)), id_(candidate_->id() + suffix), inner_(inner) {}
  const std::string& op() const override { return candidate_->op(); }
  const std::string& backend() const override { return candidate_->backend(); }
  const std::string& id() const override { return id_; }
  int version() const override { return candidate_->version(); }
  double error_factor(const Problem& problem) const override {
    return stored_error_factor(problem, candidate_->error_factor(inner_(problem)), 3);
  }
  Exactness exactness(const Problem& problem) const override {
    return candidate_->exactness(inner_(problem));
  }

  Support query(const Problem& problem, Device& device) const override {
    const Operands operands(problem, inner_(problem));
    if (!operands.any()) return Support::refuse("there is nothing to convert");
    Support support = candidate_->query(operands.problem(), device);
    for (Configuration& configuration : support.configurations)
      configuration.workspace += operands.bytes();
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override {
    Operands operands(problem, inner_(problem));
    Configuration inner = configuration;
    inner.workspace -= operands.bytes();
    auto kernel = candidate_->prepare(operands.problem(), inner, device);
    return std::make_unique<ConvertedKernel>(std::move(operands), std::move(kernel));
  }

 private:
  std::unique_ptr<KernelCandidate> candidate_;
  std::string id_;
  Problem (*inner_)(const Problem&);
};

}  // namespace

Problem widened(Problem problem) {
  for (auto* types : {&problem.inputs, &problem.outputs})
    for (TensorType& type : *types)
      if (type.dtype == DType::bf16) type.dtype = DType::f32;
  return problem;
}

std::unique_ptr<KernelCandidate> make_converted(std::unique_ptr<KernelCandidate> candidate,
                                                const std::string& suffix,
                                                Problem (*inner)(const Problem&)) {
  return std::make_unique<Converted>(std::move(candidate), suffix, inner);
}

}  // namespace engine::cpu
