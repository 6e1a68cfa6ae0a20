#include "models/train/step_graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "graph/differentiate.h"
#include "models/train/input_normalization.h"
#include "ops/accumulate_metrics.h"
#include "ops/batch_guard.h"
#include "ops/batch_indices.h"
#include "ops/binary.h"
#include "ops/gather.h"
#include "ops/movement.h"
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

// What the group's batches keep of observations: all but padding.
Value* shorten(graph::Graph& graph, const ModelDefinition& model, std::int64_t length,
               Value* observations) {
  const Shape& shape = observations->type().shape;
  if (length == 0 || length == shape[1]) return observations;
  const bool left = model.text.value().padding == Padding::left;
  return graph.apply(ops::slice({0, left ? shape[1] - length : 0}, {shape[0], length}),
                     {observations}, "feed/shortened");
}

Batch emit_batch(graph::Graph& graph, const ModelDefinition& model, const Feed& feed, Value* step,
                 std::uint64_t seed) {
  // The batches of a stream lie in order: a small data set that is gone through slot by slot.
  const BatchIndicesAttributes rows =
      feed.slots > 0 ? BatchIndicesAttributes{feed.rows(), feed.batch, feed.slots, false, {}}
                     : observations_of_steps(feed, seed);
  Value* indices = graph.apply(ops::batch_indices(rows, feed.group.size), {step}, "feed/indices");
  std::vector<std::int64_t> extents{feed.rows()};
  for (std::int64_t extent : model.network.input().extents()) extents.push_back(extent);
  Value* data = graph.read(
      {observations_name(feed.part), {Shape(extents), feed.observation}, StateRole::data});
  Value* observations = graph.apply(gather_observations(model, feed.observation), {data, indices},
                                    "feed/observations");
  return {indices, shorten(graph, model, feed.group.length, observations)};
}

Scores emit_scores(graph::Graph& graph, const ModelDefinition& model, const Feed& feed,
                   Value* output, Value* indices) {
  const Shape logits{feed.group.size, model.classes};
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
  std::vector<double> weights{static_cast<double>(feed.group.size)};
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

// "imdb-gru/train[64]", or, of a bucket, "imdb-gru/train[64 x 80]".
std::string graph_name(const ModelDefinition& model, const char* purpose, const BatchGroup& group) {
  const std::string length = group.length > 0 ? fmt::format(" x {}", group.length) : "";
  return fmt::format("{}/{}[{}{}]", model.name, purpose, group.size, length);
}

// What has to be finite for a step to have an effect: its loss and, where programs follow one
// another in any order, that it is a step of this one.
Value* emit_guard(graph::Graph& graph, const Feed& feed, std::uint64_t seed, Value* step,
                  Value* loss) {
  if (!feed.mixed()) return loss;
  const BatchIndicesAttributes order = observations_of_steps(feed, seed);
  Value* guard = graph.apply(ops::batch_guard({order.steps_per_epoch, order.mixed, order.key,
                                               feed.group.first, feed.group.count}),
                             {step}, "feed/guard");
  return graph.apply(ops::add(), {loss, guard}, "guarded_loss");
}

// Gradients and updates; returns the step's predicate, see emit_optimizer().
Value* emit_training(graph::Graph& graph, const ModelDefinition& model, const GraphOptions& options,
                     const Feed& feed, const Builder& builder,
                     const std::vector<Statistics>& statistics, Value* step, Value* loss) {
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
  Value* guard = emit_guard(graph, feed, options.seed, step, loss);
  Value* predicate = emit_optimizer(graph, model.optimizer, pairs, step, guard);
  emit_statistics(graph, statistics, predicate);
  return predicate;
}

}  // namespace

std::vector<BatchGroup> Feed::groups() const {
  std::vector<BatchGroup> all;
  std::int64_t first = 0, row = 0;
  const auto add = [&](const LengthBucket& bucket) {
    const std::int64_t whole = bucket.rows / batch, left = bucket.rows % batch, start = first;
    const auto add_batches = [&](std::int64_t size, std::int64_t batches) {
      all.push_back({size, first, batches, bucket.length, row, bucket.rows, start});
      first += batches;
    };
    if (whole > 0) add_batches(batch, whole);
    if (partial && left > 0) add_batches(left, 1);
    row += bucket.rows;
  };
  for (const LengthBucket& bucket : buckets) add(bucket);
  if (buckets.empty()) add({count, 0});
  return all;
}

std::int64_t Feed::steps_per_epoch() const {
  const std::vector<BatchGroup> all = groups();
  return all.empty() ? 0 : all.back().first + all.back().count;
}

BatchIndicesAttributes observations_of_steps(const Feed& feed, std::uint64_t seed) {
  return {feed.group.rows,
          feed.batch,
          feed.steps_per_epoch(),
          feed.shuffle,
          random_key(seed, "shuffle/" + part_name(feed.part)),
          feed.mixed(),
          feed.group.first_of_rows,
          feed.group.first_row};
}

std::string prediction_state(std::int64_t size) {
  return fmt::format("prediction/output_{}", size);
}

Feed make_feed(const Dataset& data, Part part, std::int64_t batch, bool shuffle, bool partial) {
  Feed feed{.part = part,
            .count = data.count(part),
            .batch = std::min(batch, data.count(part)),
            .shuffle = shuffle,
            .partial = partial,
            .observation = data.observation_type().dtype,
            .target = data.target_type(),
            .buckets = data.buckets(part)};
  const std::vector<BatchGroup> groups = feed.groups();
  if (!groups.empty()) feed.group = groups.front();
  return feed;
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
  StepGraph result{graph::Graph(graph_name(model, "train", feed.group)), {}, {}};
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
      emit_training(graph, model, options, feed, builder, statistics, step, scores.loss)};
  emit_totals(graph, feed, StateRole::counter, "train", step, scores, bad_steps);
  result.parameters = builder.parameters();
  return result;
}

StepGraph evaluation_graph(const ModelDefinition& model, const Feed& feed,
                           const GraphOptions& options) {
  initialize();
  StepGraph result{graph::Graph(graph_name(model, "evaluate", feed.group)), {}, {}};
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
  StepGraph result{graph::Graph(graph_name(model, "predict", feed.group)), {}, {}};
  graph::Graph& graph = result.graph;
  Value* step = read_counter(graph, kPredictionStep, StateRole::output);
  Builder builder(graph, Mode::inference, options.seed, nullptr, options.activations);
  const Batch batch = emit_batch(graph, model, feed, step, options.seed);
  Value* output = builder.as_f32(model.network.build(builder, batch.observations));
  graph.assign({prediction_state(feed.group.size), output->type(), StateRole::output}, output);
  graph::Node& totals = graph.add(ops::accumulate_metrics({}), {step}, "metrics");
  graph.assign({kPredictionStep, {{}, DType::i64}, StateRole::output}, totals.output(0));
  result.passes = graph::run_passes(graph, graph::Stage::forward, options.passes_off);
  result.parameters = builder.parameters();
  return result;
}

}  // namespace engine
