#include "models/train/step_graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "graph/differentiate.h"
#include "models/train/input_normalization.h"
#include "ops/accumulate_metrics.h"
#include "ops/batch_indices.h"
#include "ops/gather.h"
#include "ops/moving_average.h"
#include "ops/registry.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;

Value* read_counter(graph::Graph& graph, const std::string& name, StateRole role) {
  return graph.read({name, {{}, DType::i64}, role});
}

// The rows of the step's batch, and the observations themselves.
struct Batch {
  Value* indices;
  Value* observations;
};

// Tokens are what the network sees.
std::shared_ptr<const graph::Op> gather_observations(const ModelDefinition& model, DType stored) {
  if (stored == DType::i32) return ops::gather_integers();
  return ops::gather_normalized(input_normalization(model, stored));
}

Batch emit_batch(graph::Graph& graph, const ModelDefinition& model, const Feed& feed, Value* step,
                 std::uint64_t seed) {
  // The batches of a stream lie in order: a small data set that is gone through slot by slot.
  const BatchIndicesAttributes rows =
      feed.slots > 0 ? BatchIndicesAttributes{feed.rows(), feed.batch, feed.slots, false, {}}
                     : observations_of_steps(feed, seed);
  Value* indices = graph.apply(ops::batch_indices(rows, feed.size), {step}, "feed/indices");
  std::vector<std::int64_t> extents{feed.rows()};
  for (std::int64_t extent : model.network.input().extents()) extents.push_back(extent);
  Value* data = graph.read(
      {observations_name(feed.part), {Shape(extents), feed.observation}, StateRole::data});
  return {indices, graph.apply(gather_observations(model, feed.observation), {data, indices},
                               "feed/observations")};
}

Scores emit_scores(graph::Graph& graph, const ModelDefinition& model, const Feed& feed,
                   Value* output, Value* indices) {
  const Shape logits{feed.size, model.classes};
  if (model.loss == Loss::softmax_cross_entropy && output->type().shape != logits)
    throw ShapeError(fmt::format("the network's output is {}, expected {}: a logit for each class",
                                 output->type().shape.to_string(), logits.to_string()));
  const TensorType type = targets_type(model.loss, feed.target, feed.rows());
  const auto per_observation = [](const Shape& shape) { return shape.elements_after(0); };
  if (model.loss != Loss::softmax_cross_entropy &&
      per_observation(output->type().shape) != per_observation(type.shape))
    throw UsageError(fmt::format(
        "the loss {} compares {} outputs of the network with {} numbers of an observation's "
        "target, "
        "expected as many (softmax_cross_entropy takes a label for any number of classes)",
        loss_name(model.loss), per_observation(output->type().shape), per_observation(type.shape)));
  Value* targets = graph.read({targets_name(feed.part), type, StateRole::data});
  return emit_scores(graph, LossSettings{model.loss, model.huber_delta}, output, targets, indices);
}

// What a bad step does to the bookkeeping, and how it is told; no predicate: no step is bad.
struct BadStepRule {
  BadSteps kind = BadSteps::ignored;
  Value* predicate = nullptr;
};

// Adds the batch's scores to the totals and advances the step counter.
void emit_totals(graph::Graph& graph, const Feed& feed, StateRole role, const std::string& prefix,
                 Value* step, const Scores& scores, const BadStepRule& bad_steps) {
  std::vector<State> results{{prefix + "/step", {{}, DType::i64}, role},
                             {prefix + "/loss", {{}, DType::f64}, role}};
  std::vector<Value*> values{scores.loss};
  std::vector<double> weights{static_cast<double>(feed.size)};
  if (scores.correct != nullptr) {
    results.push_back({prefix + "/correct", {{}, DType::f64}, role});
    values.push_back(scores.correct);
    weights.push_back(1 / scores.outputs);
  }
  std::vector<Value*> operands{step};
  for (std::size_t i = 1; i < results.size(); ++i) operands.push_back(graph.read(results[i]));
  operands.insert(operands.end(), values.begin(), values.end());
  if (bad_steps.kind != BadSteps::ignored) operands.push_back(bad_steps.predicate);
  if (bad_steps.kind == BadSteps::skipped) {
    results.push_back({kSkippedSteps, {{}, DType::i64}, role});
    operands.push_back(graph.read(results.back()));
  }
  graph::Node& node =
      graph.add(ops::accumulate_metrics(weights, bad_steps.kind), operands, "metrics");
  for (std::size_t i = 0; i < results.size(); ++i) graph.assign(results[i], node.output(i));
}

// The running statistics of one momentum, which move in one launch.
struct Statistics {
  std::vector<State> states;
  graph::Node* node;
};

// Adds nodes that move the statistics, under a predicate that is still to come: what they read is
// kept track of while rewrites exchange the nodes that make it.
std::vector<Statistics> announce_statistics(graph::Graph& graph,
                                            const std::vector<StatisticUpdate>& updates,
                                            Value* predicate) {
  std::map<double, std::vector<const StatisticUpdate*>> by_momentum;
  for (const StatisticUpdate& update : updates) by_momentum[update.momentum].push_back(&update);
  std::vector<Statistics> all;
  for (const auto& [momentum, group] : by_momentum) {
    std::vector<Value*> operands{predicate};
    for (const StatisticUpdate* update : group) operands.push_back(update->running);
    for (const StatisticUpdate* update : group) operands.push_back(update->batch);
    all.push_back({{},
                   &graph.add(ops::moving_average(group.size(), momentum), std::move(operands),
                              "statistics")});
    for (const StatisticUpdate* update : group) all.back().states.push_back(update->state);
  }
  return all;
}

// The same nodes at the end of the step, under its predicate.
void emit_statistics(graph::Graph& graph, const std::vector<Statistics>& all, Value* predicate) {
  for (const Statistics& statistics : all) {
    std::vector<Value*> operands = statistics.node->inputs();
    operands[0] = predicate;
    graph::Node& node =
        graph.add(statistics.node->shared_op(), std::move(operands), statistics.node->label());
    graph.erase(*statistics.node);
    for (std::size_t i = 0; i < statistics.states.size(); ++i)
      graph.assign(statistics.states[i], node.output(i));
  }
}

// Gradients and updates; returns the step's predicate, see emit_optimizer().
Value* emit_training(graph::Graph& graph, const ModelDefinition& model, const GraphOptions& options,
                     const Builder& builder, const std::vector<Statistics>& statistics, Value* step,
                     Value* loss) {
  const std::vector<Parameter>& parameters = builder.parameters();
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
  Value* predicate = emit_optimizer(graph, model.optimizer, pairs, step, loss);
  emit_statistics(graph, statistics, predicate);
  return predicate;
}

}  // namespace

std::int64_t Feed::steps_per_epoch() const {
  return partial ? (count + batch - 1) / batch : count / batch;
}

BatchIndicesAttributes observations_of_steps(const Feed& feed, std::uint64_t seed) {
  return {feed.count, feed.batch, feed.steps_per_epoch(), feed.shuffle,
          random_key(seed, "shuffle/" + part_name(feed.part))};
}

std::string prediction_state(std::int64_t size) {
  return fmt::format("prediction/output_{}", size);
}

Feed make_feed(const Dataset& data, Part part, std::int64_t batch, bool shuffle, bool partial) {
  const std::int64_t size = std::min(batch, data.count(part));
  return {part,
          data.count(part),
          size,
          size,
          shuffle,
          partial,
          0,
          data.observation_type().dtype,
          data.target_type()};
}

std::string observations_name(Part part) {
  return "data/" + part_name(part) + "/observations";
}

std::string targets_name(Part part) {
  return "data/" + part_name(part) + "/targets";
}

StepGraph training_graph(const ModelDefinition& model, const Feed& feed,
                         const GraphOptions& options) {
  initialize();
  StepGraph result{graph::Graph(fmt::format("{}/train[{}]", model.name, feed.size)), {}, {}};
  graph::Graph& graph = result.graph;
  Value* step = read_counter(graph, kTrainStep, StateRole::counter);
  Builder builder(graph, Mode::training, options.seed, step, options.activations);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* output = builder.as_f32(model.network.build(builder, batch.observations));
  const Scores scores = emit_scores(graph, model, feed, output, batch.indices);
  const std::vector<Statistics> statistics =
      announce_statistics(graph, builder.statistic_updates(), scores.loss);
  result.passes = graph::run_passes(graph, graph::Stage::forward, options.passes_off);
  const BadStepRule bad_steps{
      options.skip_bad_steps ? BadSteps::skipped : BadSteps::stopped,
      emit_training(graph, model, options, builder, statistics, step, scores.loss)};
  emit_totals(graph, feed, StateRole::counter, "train", step, scores, bad_steps);
  result.parameters = builder.parameters();
  return result;
}

StepGraph evaluation_graph(const ModelDefinition& model, const Feed& feed,
                           const GraphOptions& options) {
  initialize();
  StepGraph result{graph::Graph(fmt::format("{}/evaluate[{}]", model.name, feed.size)), {}, {}};
  graph::Graph& graph = result.graph;
  Value* step = read_counter(graph, kEvaluationStep, StateRole::output);
  Builder builder(graph, Mode::inference, options.seed, nullptr, options.activations);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* output = builder.as_f32(model.network.build(builder, batch.observations));
  const Scores scores = emit_scores(graph, model, feed, output, batch.indices);
  emit_totals(graph, feed, StateRole::output, "evaluation", step, scores, {});
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
  Builder builder(graph, Mode::inference, options.seed, nullptr, options.activations);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* output = builder.as_f32(model.network.build(builder, batch.observations));
  graph.assign({prediction_state(feed.size), output->type(), StateRole::output}, output);
  graph::Node& totals = graph.add(ops::accumulate_metrics({}), {step}, "metrics");
  graph.assign({kPredictionStep, {{}, DType::i64}, StateRole::output}, totals.output(0));
  result.passes = graph::run_passes(graph, graph::Stage::forward, options.passes_off);
  result.parameters = builder.parameters();
  return result;
}

}  // namespace engine
