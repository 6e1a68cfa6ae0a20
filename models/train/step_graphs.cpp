#include "models/train/step_graphs.h"

#include <fmt/format.h>

#include "graph/differentiate.h"
#include "ops/accumulate_metrics.h"
#include "ops/accuracy.h"
#include "ops/batch_indices.h"
#include "ops/gather.h"
#include "ops/registry.h"
#include "ops/softmax_cross_entropy.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;

std::string part_name(Part part) {
  return part == Part::train ? "train" : "test";
}

Value* read_counter(graph::Graph& graph, const std::string& name, StateRole role) {
  return graph.read({name, {{}, DType::i64}, role});
}

// The observation indices of the step's batch, and the observations themselves.
struct Batch {
  Value* indices;
  Value* observations;
};

Batch emit_batch(graph::Graph& graph, const ModelDefinition& model, const Feed& feed, Value* step,
                 std::uint64_t seed) {
  const BatchIndicesAttributes order{feed.count, feed.batch, feed.steps_per_epoch(), feed.shuffle,
                                     random_key(seed, "shuffle/" + part_name(feed.part))};
  Value* indices = graph.apply(ops::batch_indices(order, feed.size), {step}, "feed/indices");
  Value* data = graph.read(observations_state(model, feed.part, feed.count));
  return {indices, graph.apply(ops::gather_normalized({model.input_scale, 0}), {data, indices},
                               "feed/observations")};
}

struct Scores {
  Value* loss;     // f32 scalar, mean over the batch
  Value* correct;  // i32 scalar
};

Scores emit_scores(graph::Graph& graph, const Feed& feed, Value* logits, Value* indices) {
  Value* labels =
      graph.apply(ops::gather_labels(), {graph.read(labels_state(feed.part, feed.count)), indices},
                  "feed/labels");
  return {graph.apply(ops::softmax_cross_entropy(), {logits, labels}, "loss"),
          graph.apply(ops::accuracy(), {logits, labels}, "accuracy")};
}

// Adds the batch's scores to the totals and advances the step counter.
void emit_totals(graph::Graph& graph, const Feed& feed, StateRole role, const std::string& prefix,
                 Value* step, const Scores& scores) {
  const State loss{prefix + "/loss", {{}, DType::f64}, role};
  const State correct{prefix + "/correct", {{}, DType::f64}, role};
  graph::Node& totals = graph.add(
      ops::accumulate_metrics({static_cast<double>(feed.size), 1.0}),
      {step, graph.read(loss), graph.read(correct), scores.loss, scores.correct}, "metrics");
  graph.assign({prefix + "/step", {{}, DType::i64}, role}, totals.output(0));
  graph.assign(loss, totals.output(1));
  graph.assign(correct, totals.output(2));
}

void emit_training(graph::Graph& graph, const ModelDefinition& model, const GraphOptions& options,
                   const std::vector<Parameter>& parameters, Value* loss) {
  std::vector<Value*> wanted;
  for (const Parameter& parameter : parameters) wanted.push_back(parameter.value);
  const std::vector<Value*> gradients = graph::differentiate(graph, loss, wanted);
  std::vector<GradientPair> pairs;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const State& state = parameters[i].state;
    if (gradients[i] == nullptr)
      throw UsageError("the loss does not depend on the parameter '" + state.name + "'");
    pairs.push_back({state, parameters[i].value, gradients[i]});
    if (options.keep_gradients)
      graph.assign({"gradient/" + state.name, state.type, StateRole::output}, gradients[i]);
  }
  emit_optimizer(graph, model.optimizer, pairs);
}

}  // namespace

std::int64_t Feed::steps_per_epoch() const {
  return partial ? (count + batch - 1) / batch : count / batch;
}

std::string prediction_state(std::int64_t size) {
  return fmt::format("prediction/logits_{}", size);
}

State observations_state(const ModelDefinition& model, Part part, std::int64_t count) {
  std::vector<std::int64_t> extents{count};
  for (std::int64_t extent : model.network.input().extents()) extents.push_back(extent);
  return {
      "data/" + part_name(part) + "/observations", {Shape(extents), DType::u8}, StateRole::data};
}

State labels_state(Part part, std::int64_t count) {
  return {"data/" + part_name(part) + "/labels", {{count}, DType::u8}, StateRole::data};
}

StepGraph training_graph(const ModelDefinition& model, const Feed& feed,
                         const GraphOptions& options) {
  initialize();
  StepGraph result{graph::Graph(fmt::format("{}/train[{}]", model.name, feed.size)), {}, {}};
  graph::Graph& graph = result.graph;
  Value* step = read_counter(graph, kTrainStep, StateRole::counter);
  Builder builder(graph, Mode::training, options.seed, step);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* logits = model.network.build(builder, batch.observations);
  const Scores scores = emit_scores(graph, feed, logits, batch.indices);
  result.passes = graph::run_passes(graph, graph::Stage::forward, options.passes_off);
  emit_training(graph, model, options, builder.parameters(), scores.loss);
  emit_totals(graph, feed, StateRole::counter, "train", step, scores);
  result.parameters = builder.parameters();
  return result;
}

StepGraph evaluation_graph(const ModelDefinition& model, const Feed& feed,
                           const GraphOptions& options) {
  initialize();
  StepGraph result{graph::Graph(fmt::format("{}/evaluate[{}]", model.name, feed.size)), {}, {}};
  graph::Graph& graph = result.graph;
  Value* step = read_counter(graph, kEvaluationStep, StateRole::output);
  Builder builder(graph, Mode::inference, options.seed, nullptr);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* logits = model.network.build(builder, batch.observations);
  const Scores scores = emit_scores(graph, feed, logits, batch.indices);
  emit_totals(graph, feed, StateRole::output, "evaluation", step, scores);
  result.passes = graph::run_passes(graph, graph::Stage::forward, options.passes_off);
  result.parameters = builder.parameters();
  return result;
}

StepGraph prediction_graph(const ModelDefinition& model, const Feed& feed,
                           const GraphOptions& options) {
  initialize();
  StepGraph result{graph::Graph(fmt::format("{}/predict[{}]", model.name, feed.size)), {}, {}};
  graph::Graph& graph = result.graph;
  Value* step = read_counter(graph, kPredictionStep, StateRole::output);
  Builder builder(graph, Mode::inference, options.seed, nullptr);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* logits = model.network.build(builder, batch.observations);
  graph.assign({prediction_state(feed.size), logits->type(), StateRole::output}, logits);
  graph::Node& totals = graph.add(ops::accumulate_metrics({}), {step}, "metrics");
  graph.assign({kPredictionStep, {{}, DType::i64}, StateRole::output}, totals.output(0));
  result.passes = graph::run_passes(graph, graph::Stage::forward, options.passes_off);
  result.parameters = builder.parameters();
  return result;
}

}  // namespace engine
