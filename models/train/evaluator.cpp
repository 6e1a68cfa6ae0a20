#include "models/train/evaluator.h"

#include <algorithm>

#include "engine/core/error.h"

namespace engine {

void upload_dataset(const Dataset& dataset, const ModelDefinition& model, Part part,
                    Runtime& runtime) {
  const std::int64_t count = dataset.count(part);
  const TensorView observations = runtime.store().view(observations_state(model, part, count).name);
  std::size_t offset = 0;
  dataset.read_observations(part, [&](std::span<const std::byte> bytes) {
    ENGINE_CHECK(offset + bytes.size() <= observations.type.bytes(), "a data set grew while read");
    runtime.stream().copy_to_device(static_cast<std::byte*>(observations.data) + offset,
                                    bytes.data(), bytes.size());
    offset += bytes.size();
  });
  ENGINE_CHECK(offset == observations.type.bytes(), "a data set shrank while read");
  // Prediction has no use for labels, and its programs declare none.
  const std::string labels_name = labels_state(part, count).name;
  if (!runtime.store().has(labels_name)) return;
  const std::vector<std::uint8_t> labels = dataset.read_labels(part);
  runtime.store().upload(labels_name, labels.data(), runtime.stream());
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

Evaluator::Evaluator(Runtime& runtime, const ModelDefinition& model, Part part, std::int64_t count,
                     const GraphOptions& options)
    : programs_(runtime, {part, count, std::min(model.batch, count), 0, false, true},
                [&](const Feed& feed) { return evaluation_graph(model, feed, options); }) {}

EvaluationResult Evaluator::run(Runtime& runtime) const {
  for (const char* state : {kEvaluationStep, kEvaluationLoss, kEvaluationCorrect})
    runtime.clear(state);
  programs_.run(runtime, 0, programs_.steps());
  const auto count = static_cast<double>(programs_.feed().count);
  return {runtime.read_total(kEvaluationLoss) / count,
          runtime.read_total(kEvaluationCorrect) / count};
}

Predictor::Predictor(Runtime& runtime, const ModelDefinition& model, Part part, std::int64_t count,
                     const GraphOptions& options)
    : classes_(model.classes),
      programs_(runtime, {part, count, std::min(model.batch, count), 0, false, true},
                [&](const Feed& feed) { return prediction_graph(model, feed, options); }) {}

void Predictor::run(Runtime& runtime, std::int64_t count,
                    const std::function<void(std::int64_t, std::span<const float>)>& sink) const {
  runtime.clear(kPredictionStep);
  const Feed& feed = programs_.feed();
  const auto classes = static_cast<std::size_t>(classes_);
  for (std::int64_t step = 0, first = 0; first < std::min(count, feed.count); ++step) {
    programs_.run(runtime, step, 1);
    const std::int64_t size = std::min(feed.batch, feed.count - first);
    std::vector<float> logits(static_cast<std::size_t>(size) * classes);
    runtime.store().download(prediction_state(size), logits.data(), runtime.stream());
    const auto wanted = static_cast<std::size_t>(std::min(size, count - first));
    sink(first, std::span(logits).first(wanted * classes));
    first += size;
  }
}

}  // namespace engine
