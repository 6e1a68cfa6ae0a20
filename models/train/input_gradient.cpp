#include "models/train/input_gradient.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "graph/differentiate.h"
#include "models/train/checkpoint.h"
#include "models/train/input_normalization.h"
#include "ops/binary.h"
#include "ops/reduce.h"
#include "ops/registry.h"

namespace engine {
namespace {

using graph::StateRole;
using graph::Value;

void expect_elements(const char* what, std::size_t found, const TensorType& type) {
  if (found != static_cast<std::size_t>(type.element_count()))
    throw UsageError(fmt::format("{} {} for the gradient of an input, expected {}: {}", found, what,
                                 type.element_count(), type.to_string()));
}

bool normalizes(const ModelDefinition& model) {
  return !model.input_mean.empty() || !model.input_deviation.empty();
}

// A gather has no gradient: the same by ops that have one.
Value* normalized(graph::Graph& graph, const ModelDefinition& model, Value* observations) {
  if (!normalizes(model)) return observations;
  const GatherAttributes numbers = input_normalization(model, DType::f32);
  std::vector<std::int64_t> extents(static_cast<std::size_t>(model.network.input().rank()), 1);
  if (!extents.empty()) extents[0] = static_cast<std::int64_t>(numbers.scale.size());
  const auto read = [&](const char* state) {
    return graph.read({state, {Shape(extents), DType::f32}, StateRole::data});
  };
  Value* scaled = graph.apply(ops::multiply(), {observations, read(kInputScale)}, "input/scaled");
  return graph.apply(ops::add(), {scaled, read(kInputOffset)}, "input/normalized");
}

}  // namespace

StepGraph input_gradient_graph(const ModelDefinition& model, std::int64_t batch) {
  if (batch < 1) throw UsageError(fmt::format("a batch of {}, expected at least 1", batch));
  initialize();
  StepGraph result{graph::Graph(fmt::format("{}/input_gradient[{}]", model.name, batch)), {}, {}};
  graph::Graph& graph = result.graph;
  Builder builder(graph, Mode::inference, 0, nullptr);
  std::vector<std::int64_t> extents{batch};
  for (std::int64_t extent : model.network.input().extents()) extents.push_back(extent);
  Value* observations =
      graph.read({kInputObservations, {Shape(extents), DType::f32}, StateRole::data});
  Value* outputs = model.network.build(builder, normalized(graph, model, observations));
  graph.assign({kInputOutputs, outputs->type(), StateRole::output}, outputs);
  Value* weights = graph.read({kInputOutputWeights, outputs->type(), StateRole::data});
  Value* objective =
      ops::reduce_all(graph, graph.apply(ops::multiply(), {outputs, weights}, "objective/weighted"),
                      ReduceKind::sum, "objective");
  result.passes = graph::run_passes(graph, graph::Stage::forward, {});
  Value* gradient =
      graph::differentiate(graph, objective, std::vector<Value*>{observations}).front();
  if (gradient == nullptr)
    throw UsageError(model.name + ": the network's output does not depend on its input");
  graph.assign({kInputGradient, gradient->type(), StateRole::output}, gradient);
  result.parameters = builder.parameters();
  return result;
}

InputGradientSession::InputGradientSession(const ModelDefinition& model,
                                           const std::string& checkpoint, std::int64_t batch,
                                           const RuntimeOptions& options)
    : runtime_(options), program_(runtime_.add(input_gradient_graph(model, batch).graph)) {
  runtime_.allocate();
  load_parameters(checkpoint, runtime_.store(), runtime_.stream());
  if (normalizes(model)) {
    const Normalization numbers(input_normalization(model, DType::f32));
    runtime_.store().upload(kInputScale, numbers.scale, runtime_.stream());
    runtime_.store().upload(kInputOffset, numbers.offset, runtime_.stream());
  }
  observations_ = runtime_.store().view(kInputObservations).type;
  outputs_ = runtime_.store().view(kInputOutputs).type;
}

InputGradientSession::Result InputGradientSession::run(std::span<const float> observations,
                                                       std::span<const float> weights) {
  expect_elements("numbers of observations", observations.size(), observations_);
  expect_elements("weights of outputs", weights.size(), outputs_);
  graph::StateStore& store = runtime_.store();
  Stream& stream = runtime_.stream();
  store.upload(kInputObservations, observations.data(), stream);
  store.upload(kInputOutputWeights, weights.data(), stream);
  runtime_.executor(program_).run(stream);
  Result result{std::vector<float>(weights.size()), std::vector<float>(observations.size())};
  store.download(kInputOutputs, result.outputs.data(), stream);
  store.download(kInputGradient, result.gradient.data(), stream);
  return result;
}

}  // namespace engine
