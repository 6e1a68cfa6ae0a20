#include "models/train/evaluator.h"

#include <algorithm>

#include "engine/core/error.h"

namespace engine {

namespace {

using Reader = void (Dataset::*)(Part, const ByteSink&) const;

void upload(const Dataset& dataset, Part part, Reader read, const std::string& state,
            Runtime& runtime) {
  const TensorView view = runtime.store().view(state);
  std::size_t offset = 0;
  (dataset.*read)(part, [&](std::span<const std::byte> bytes) {
    ENGINE_CHECK(offset + bytes.size() <= view.type.bytes(), "a data set grew while read");
    runtime.stream().copy_to_device(static_cast<std::byte*>(view.data) + offset, bytes.data(),
                                    bytes.size());
    offset += bytes.size();
  });
  ENGINE_CHECK(offset == view.type.bytes(), "a data set shrank while read");
}

}  // namespace

void upload_dataset(const Dataset& dataset, Part part, Runtime& runtime) {
  upload(dataset, part, &Dataset::read_observations, observations_name(part), runtime);
  // Prediction has no use for targets, and its programs declare none.
  if (runtime.store().has(targets_name(part)))
    upload(dataset, part, &Dataset::read_targets, targets_name(part), runtime);
}

void initialize_parameters(const std::vector<Parameter>& parameters, std::uint64_t seed,
                           Runtime& runtime) {
  for (const Parameter& parameter : parameters) {
    const std::vector<float> values =
        draw(parameter.initializer, parameter.state.type.element_count(), parameter.fan_in,
             parameter.fan_out, random_key(seed, parameter.state.name));
    runtime.store().upload(parameter.state.name, values.data(), runtime.stream());
  }
}

BatchPrograms::BatchPrograms(Runtime& runtime, Feed feed, const MakeGraph& make_graph)
    : feed_(feed) {
  if (full_steps() > 0) full_ = compile(runtime, feed_.batch, make_graph);
  if (last_size() > 0) last_ = compile(runtime, last_size(), make_graph);
}

std::size_t BatchPrograms::compile(Runtime& runtime, std::int64_t size,
                                   const MakeGraph& make_graph) {
  Feed feed = feed_;
  feed.size = size;
  StepGraph step = make_graph(feed);
  parameters_ = std::move(step.parameters);
  // The values belong to a graph that lives on in the program; nobody needs them from here.
  for (Parameter& parameter : parameters_) parameter.value = nullptr;
  passes_ = std::move(step.passes);
  return runtime.add(std::move(step.graph));
}

void BatchPrograms::run(Runtime& runtime, std::int64_t position, std::int64_t count) const {
  const std::int64_t full = std::min(count, std::max<std::int64_t>(0, full_steps() - position));
  if (full > 0) runtime.executor(*full_).run(runtime.stream(), static_cast<int>(full));
  if (count > full) {
    ENGINE_CHECK(count == full + 1 && last_.has_value(), "steps beyond the end of an epoch");
    runtime.executor(*last_).run(runtime.stream());
  }
}

std::optional<graph::NotFinite> BatchPrograms::find_not_finite(Runtime& runtime,
                                                               std::int64_t position) const {
  const std::size_t program = position < full_steps() ? *full_ : last_.value();
  return runtime.executor(program).find_not_finite(runtime.stream());
}

Evaluator::Evaluator(Runtime& runtime, const ModelDefinition& model, const Dataset& data, Part part,
                     const GraphOptions& options)
    : programs_(runtime, make_feed(data, part, model.batch, false, true),
                [&](const Feed& feed) { return evaluation_graph(model, feed, options); }) {}

EvaluationResult Evaluator::run(Runtime& runtime) const {
  const bool has_accuracy = runtime.store().has(kEvaluationCorrect);
  for (const char* state : {kEvaluationStep, kEvaluationLoss}) runtime.clear(state);
  if (has_accuracy) runtime.clear(kEvaluationCorrect);
  programs_.run(runtime, 0, programs_.steps());
  const auto count = static_cast<double>(programs_.feed().count);
  EvaluationResult result{runtime.read_total(kEvaluationLoss) / count, std::nullopt};
  if (has_accuracy) result.accuracy = runtime.read_total(kEvaluationCorrect) / count;
  return result;
}

Predictor::Predictor(Runtime& runtime, const ModelDefinition& model, const Dataset& data, Part part,
                     const GraphOptions& options)
    : programs_(runtime, make_feed(data, part, model.batch, false, true),
                [&](const Feed& feed) { return prediction_graph(model, feed, options); }) {}

void Predictor::run(Runtime& runtime, std::int64_t count,
                    const std::function<void(std::int64_t, std::span<const float>)>& sink) const {
  runtime.clear(kPredictionStep);
  const Feed& feed = programs_.feed();
  for (std::int64_t step = 0, first = 0; first < std::min(count, feed.count); ++step) {
    programs_.run(runtime, step, 1);
    const std::int64_t size = std::min(feed.batch, feed.count - first);
    const std::string state = prediction_state(size);
    const TensorType& type = runtime.store().view(state).type;
    std::vector<float> output(static_cast<std::size_t>(type.element_count()));
    runtime.store().download(state, output.data(), runtime.stream());
    const std::int64_t wanted = std::min(size, count - first);
    sink(wanted,
         std::span(output).first(static_cast<std::size_t>(wanted * type.shape.elements_after(0))));
    first += size;
  }
}

}  // namespace engine
