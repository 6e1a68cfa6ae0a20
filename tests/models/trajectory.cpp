#include "tests/models/trajectory.h"

#include <cstdint>
#include <utility>

#include "graph/differentiate.h"
#include "models/train/runtime.h"
#include "ops/accumulate_metrics.h"
#include "ops/dense.h"
#include "ops/registry.h"
#include "ops/softmax_cross_entropy.h"

namespace engine::test {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;

constexpr std::int64_t kInputs = 20, kHidden = 16, kClasses = 5, kBatch = 8;

std::uint32_t mix(std::uint32_t stream, std::uint32_t i) {
  std::uint32_t x = (stream * 4096 + i + 1) * 2654435761u;
  x ^= x >> 16;
  x *= 2246822519u;
  x ^= x >> 13;
  x *= 3266489917u;
  return x ^ (x >> 16);
}

std::vector<float> draw(std::uint32_t stream, double scale, std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(
        scale * (mix(stream, static_cast<std::uint32_t>(i)) / 2147483648.0 - 1)));
  return values;
}

std::vector<std::int32_t> draw_labels(std::uint32_t stream) {
  std::vector<std::int32_t> labels;
  for (std::uint32_t i = 0; i < kBatch; ++i)
    labels.push_back(static_cast<std::int32_t>(mix(stream, i) % kClasses));
  return labels;
}

const State kObservations{"data/observations", {{kBatch, kInputs}, DType::f32}, StateRole::data};
const State kLabels{"data/labels", {{kBatch}, DType::i32}, StateRole::data};
const State kStep{"train/step", {{}, DType::i64}, StateRole::counter};
const State kLoss{"train/loss", {{}, DType::f32}, StateRole::output};

std::vector<State> parameter_states() {
  return {{"hidden/weights", {{kInputs, kHidden}, DType::f32}},
          {"hidden/bias", {{kHidden}, DType::f32}},
          {"output/weights", {{kHidden, kClasses}, DType::f32}},
          {"output/bias", {{kClasses}, DType::f32}}};
}

graph::Graph training_step(const OptimizerSettings& settings) {
  graph::Graph graph("trajectory");
  Value* step = graph.read(kStep);
  std::vector<Value*> values;
  for (const State& state : parameter_states()) values.push_back(graph.read(state));
  Value* hidden = graph.apply(ops::dense({Activation::relu, {}}),
                              {graph.read(kObservations), values[0], values[1]}, "hidden");
  Value* logits = graph.apply(ops::dense(), {hidden, values[2], values[3]}, "output");
  Value* loss = graph.apply(ops::softmax_cross_entropy(), {logits, graph.read(kLabels)}, "loss");
  const std::vector<Value*> gradients = graph::differentiate(graph, loss, values);
  std::vector<GradientPair> pairs;
  for (std::size_t i = 0; i < values.size(); ++i)
    pairs.push_back({parameter_states()[i], values[i], gradients[i]});
  Value* predicate = emit_optimizer(graph, settings, pairs, step, loss);
  graph.assign(kLoss, loss);
  graph.assign(
      kStep, graph.add(ops::accumulate_metrics({}, BadSteps::stopped), {step, predicate}, "metrics")
                 .output(0));
  return graph;
}

TrajectoryPoint point(Runtime& runtime) {
  TrajectoryPoint result;
  float loss = 0;
  runtime.store().download(kLoss.name, &loss, runtime.stream());
  result.loss = loss;
  for (const State& state : parameter_states()) {
    std::vector<float>& values =
        result.parameters.emplace_back(static_cast<std::size_t>(state.type.element_count()));
    runtime.store().download(state.name, values.data(), runtime.stream());
  }
  return result;
}

}  // namespace

std::vector<NamedOptimizer> trajectory_optimizers() {
  std::vector<NamedOptimizer> all;
  const auto add = [&](const std::string& name, const std::string& rule, double learning_rate,
                       const auto& change) {
    OptimizerSettings settings = default_optimizer(rule);
    settings.learning_rate = learning_rate;
    settings.length = {10, 5};
    change(settings);
    all.push_back({name, settings});
  };
  using Settings = OptimizerSettings;
  add("sgd", "sgd", 0.1, [](Settings&) {});
  add("sgd_momentum", "sgd", 0.05, [](Settings& s) { s.momentum = 0.9; });
  add("sgd_nesterov", "sgd", 0.05, [](Settings& s) { s.momentum = 0.9, s.nesterov = true; });
  add("sgd_weight_decay", "sgd", 0.05,
      [](Settings& s) { s.momentum = 0.9, s.weight_decay = 0.01; });
  add("rmsprop", "rmsprop", 0.01, [](Settings&) {});
  add("rmsprop_weight_decay", "rmsprop", 0.01, [](Settings& s) { s.weight_decay = 0.01; });
  add("adam", "adam", 0.01, [](Settings&) {});
  add("adam_weight_decay", "adam", 0.01, [](Settings& s) { s.weight_decay = 0.01; });
  add("adamw", "adamw", 0.01, [](Settings& s) { s.weight_decay = 0.1; });
  add("adadelta", "adadelta", 1, [](Settings&) {});
  add("adagrad", "adagrad", 0.05, [](Settings&) {});
  add("clip_norm", "sgd", 0.1, [](Settings& s) { s.momentum = 0.9, s.clip_norm = 0.5; });
  add("clip_value", "sgd", 0.1, [](Settings& s) { s.momentum = 0.9, s.clip_value = 0.02; });
  add("accumulate", "adam", 0.01, [](Settings& s) { s.accumulate = 4, s.clip_norm = 0.3; });
  add("step", "sgd", 0.2, [](Settings& s) { s.schedule = parse_schedule("step:2:0.5"); });
  add("exponential", "sgd", 0.2,
      [](Settings& s) { s.schedule = parse_schedule("exponential:0.7"); });
  add("cosine_warmup", "adamw", 0.02,
      [](Settings& s) { s.schedule = parse_schedule("cosine:0.1+warmup:10"); });
  add("keras_decay", "rmsprop", 0.01,
      [](Settings& s) { s.schedule = parse_schedule("decay:0.05"); });
  return all;
}

std::vector<TrajectoryPoint> run_trajectory(const OptimizerSettings& settings,
                                            const std::string& device, int steps) {
  initialize();
  RuntimeOptions options;
  options.device = device;
  options.threads = 1;
  options.tuner.mode = Autotune::off;
  Runtime runtime(options);
  const std::size_t program = runtime.add(training_step(settings));
  runtime.allocate();
  const std::vector<State> states = parameter_states();
  const double scales[] = {0.4, 0.1, 0.5, 0.1};
  for (std::size_t k = 0; k < states.size(); ++k)
    runtime.store().upload(
        states[k].name,
        draw(static_cast<std::uint32_t>(k), scales[k], states[k].type.element_count()).data(),
        runtime.stream());
  std::vector<TrajectoryPoint> points;
  for (int s = 0; s < steps; ++s) {
    const auto stream = static_cast<std::uint32_t>(s);
    runtime.store().upload(kObservations.name, draw(100 + stream, 1, kBatch * kInputs).data(),
                           runtime.stream());
    runtime.store().upload(kLabels.name, draw_labels(1000 + stream).data(), runtime.stream());
    runtime.executor(program).run(runtime.stream());
    points.push_back(point(runtime));
  }
  return points;
}

}  // namespace engine::test
