#include "softsign.h"

#include <cmath>

namespace example {
namespace {

using engine::LaunchArguments;
using engine::Problem;
using engine::TensorType;
using engine::graph::Op;
using engine::graph::Value;

void expect_equal_types(std::span<const TensorType> inputs, std::size_t count) {
  if (inputs.size() != count || inputs[0].dtype != engine::DType::f32 ||
      inputs[0] != inputs[count - 1])
    throw engine::ShapeError("expected operands of one f32 type");
}

class SoftsignGradient final : public Op {
 public:
  SoftsignGradient() : Op("softsign_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_equal_types(inputs, 2);
    return {inputs[0]};
  }
};

class Softsign final : public Op {
 public:
  Softsign() : Op("softsign") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_equal_types(inputs, 1);
    return {inputs[0]};
  }
  std::vector<Value*> gradient(const engine::graph::GradientContext& context) const override {
    return {context.graph.apply(std::make_shared<SoftsignGradient>(),
                                {context.output_gradients[0], context.node.output()},
                                context.node.label() + "/gradient")};
  }
};

// One function of each kernel serves the reference in double and the CPU in float.
template <class T>
T forward(T x) {
  return x / (1 + std::abs(x));
}
template <class T>
T backward(T dy, T y) {
  return dy * (1 - std::abs(y)) * (1 - std::abs(y));
}

void forward_reference(const Problem&, std::span<const engine::ReferenceTensor> in,
                       std::span<engine::ReferenceTensor> out) {
  for (std::size_t i = 0; i < in[0].values.size(); ++i) out[0].values[i] = forward(in[0].values[i]);
}

void backward_reference(const Problem&, std::span<const engine::ReferenceTensor> in,
                        std::span<engine::ReferenceTensor> out) {
  for (std::size_t i = 0; i < in[0].values.size(); ++i)
    out[0].values[i] = backward(in[0].values[i], in[1].values[i]);
}

engine::SimpleCandidate::Launch forward_cpu(const Problem& problem) {
  return [count = problem.inputs[0].element_count()](const LaunchArguments& launch) {
    const float* x = launch.inputs[0].as<float>();
    float* y = launch.outputs[0].as<float>();
    for (std::int64_t i = 0; i < count; ++i) y[i] = forward(x[i]);
  };
}

engine::SimpleCandidate::Launch backward_cpu(const Problem& problem) {
  return [count = problem.inputs[0].element_count()](const LaunchArguments& launch) {
    const float* dy = launch.inputs[0].as<float>();
    const float* y = launch.inputs[1].as<float>();
    float* dx = launch.outputs[0].as<float>();
    for (std::int64_t i = 0; i < count; ++i) dx[i] = backward(dy[i], y[i]);
  };
}

}  // namespace

Value* SoftsignLayer::build(engine::Builder& builder, Value* x) const {
  return builder.graph().apply(std::make_shared<Softsign>(), {x}, name());
}

void register_softsign() {
  engine::ReferenceRegistry::global().add("softsign", forward_reference);
  engine::ReferenceRegistry::global().add("softsign_gradient", backward_reference);
  auto& candidates = engine::CandidateRegistry::global();
  candidates.add(
      {.op = "softsign", .backend = "cpu", .id = "example.loop", .prepare = forward_cpu});
  candidates.add(
      {.op = "softsign_gradient", .backend = "cpu", .id = "example.loop", .prepare = backward_cpu});
#ifdef WITH_CUDA
  register_softsign_cuda(candidates);
#endif
}

}  // namespace example
