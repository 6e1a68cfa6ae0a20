// Dense products by the engine's own blocked multiplication: a second opinion on the library's, and
// what serves where the library refuses (an empty batch).
#include "kernels/cpu/dense.h"

#include "engine/tune/registry.h"
#include "kernels/converted.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/matrix.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void rectify(const float* x, float* y, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

void forward(const DensePlan& plan, const LaunchArguments& arguments) {
  const auto [batch, inputs, outputs] = plan.extents;
  const MatrixView x{arguments.inputs[0].as<float>(), inputs, 1};
  const MatrixView w{arguments.inputs[1].as<float>(), outputs, 1};
  multiply(x, w, arguments.inputs[2].as<float>(), arguments.outputs[0].as<float>(), batch, outputs,
           inputs);
  finish_dense(plan.attributes, arguments);
}

void input_gradient(const DensePlan& plan, const LaunchArguments& arguments) {
  const auto [batch, inputs, outputs] = plan.extents;
  const MatrixView dz{arguments.inputs[0].as<float>(), outputs, 1};
  const MatrixView w_transposed{arguments.inputs[1].as<float>(), 1, outputs};
  multiply(dz, w_transposed, nullptr, arguments.outputs[0].as<float>(), batch, inputs, outputs);
}

void weight_gradient(const DensePlan& plan, const LaunchArguments& arguments) {
  const auto [batch, inputs, outputs] = plan.extents;
  const MatrixView x_transposed{arguments.inputs[0].as<float>(), 1, inputs};
  const float* dz = arguments.inputs[1].as<float>();
  multiply(x_transposed, {dz, outputs, 1}, nullptr, arguments.outputs[0].as<float>(), inputs,
           outputs, batch);
  column_sums(dz, arguments.outputs[1].as<float>(), batch, outputs);
}

using Run = void (*)(const DensePlan&, const LaunchArguments&);

class BlockedDense final : public KernelCandidate {
 public:
  BlockedDense(std::string op, Run run) : op_(std::move(op)), run_(run) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return product_error_factor(problem);
  }
  Support query(const Problem& problem, Device&) const override {
    if (multiplies_bfloat16(problem)) return Support::refuse("multiplies f32");
    return {{Configuration{}}, ""};
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration&,
                                  Device&) const override {
    return std::make_unique<BlockedKernel>(problem, run_);
  }

 private:
  class BlockedKernel final : public Kernel {
   public:
    BlockedKernel(const Problem& problem, Run run) : plan_(problem), run_(run) {}
    void launch(const LaunchArguments& arguments) override { run_(plan_, arguments); }

   private:
    DensePlan plan_;
    Run run_;
  };

  std::string op_;
  std::string backend_ = "cpu";
  std::string id_ = "cpu.blocked";
  Run run_;
};

Problem widened_dense(const Problem& problem) {
  Problem f32 = widened(problem);
  if (problem.op == "dense") {
    DenseAttributes attributes = DenseAttributes::from(problem.attributes);
    attributes.output = DType::f32;
    f32.attributes = attributes.to_attributes();
  }
  return f32;
}

}  // namespace

std::unique_ptr<KernelCandidate> make_widened_dense(std::unique_ptr<KernelCandidate> f32) {
  return make_converted(std::move(f32), {".widened", widened_dense, convert});
}

void finish_dense(const DenseAttributes& attributes, const LaunchArguments& arguments) {
  const TensorView& y = arguments.outputs[0];
  const bool relu = attributes.activation == Activation::relu;
  if (attributes.dropout.rate > 0) {
    const auto step = static_cast<std::uint64_t>(*arguments.inputs[3].as<std::int64_t>());
    for_each_float_range(
        [&](std::int64_t first, std::int64_t count, float* to, const float* from) {
          dropout_range(from, to, first, count, attributes.dropout, step, relu);
        },
        y, y);
  } else if (relu) {
    for_each_float_range([](std::int64_t, std::int64_t count, float* to,
                            const float* from) { rectify(from, to, count); },
                         y, y);
  }
}

}  // namespace cpu

void register_dense_cpu(CandidateRegistry& registry) {
  const auto add = [&](const char* op, cpu::Run run) {
    registry.add(std::make_unique<cpu::BlockedDense>(op, run));
    registry.add(cpu::make_widened_dense(std::make_unique<cpu::BlockedDense>(op, run)));
  };
  add("dense", cpu::forward);
  add("dense_input_gradient", cpu::input_gradient);
  add("dense_weight_gradient", cpu::weight_gradient);
}

}  // namespace engine
