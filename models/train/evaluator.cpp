#include "models/train/evaluator.h"

#include <algorithm>

#include "engine/core/error.h"

namespace engine {
namespace {

Feed part_feed(const Dataset& data, Part part, std::int64_t batch, bool stream) {
  const Feed feed = make_feed(data, part, batch, false, true);
  return stream ? streamed(feed) : feed;
}

}  // namespace

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

PartPrograms::PartPrograms(Runtime& runtime, const Dataset& data, Part part, std::int64_t batch,
                           bool stream, const BatchPrograms::MakeGraph& make_graph)
    : data_(data), programs_(runtime, part_feed(data, part, batch, stream), make_graph) {}

void PartPrograms::load(Runtime& runtime, int loader_threads) {
  feed_ = std::make_unique<BatchFeed>(data_, programs_.feed(), 0, loader_threads, runtime);
}

std::int64_t PartPrograms::run_steps(Runtime& runtime, std::int64_t step, std::int64_t most) const {
  const std::int64_t count = feed_->ready(step, most);
  programs_.run(runtime, step, count);
  runtime.stream().synchronize();
  feed_->done(step + count);
  return count;
}

Evaluator::Evaluator(Runtime& runtime, const ModelDefinition& model, const Dataset& data, Part part,
                     const GraphOptions& options, bool stream)
    : PartPrograms(runtime, data, part, model.batch, stream,
                   [&](const Feed& feed) { return evaluation_graph(model, feed, options); }) {}

EvaluationResult Evaluator::run(Runtime& runtime) const {
  const bool has_accuracy = runtime.store().has(kEvaluationCorrect);
  for (const char* state : {kEvaluationStep, kEvaluationLoss}) runtime.clear(state);
  if (has_accuracy) runtime.clear(kEvaluationCorrect);
  const std::int64_t steps = programs_.steps();
  feed_->start(0, steps);
  for (std::int64_t step = 0; step < steps;) step += run_steps(runtime, step, steps - step);
  const auto count = static_cast<double>(programs_.feed().count);
  EvaluationResult result{runtime.read_total(kEvaluationLoss) / count, std::nullopt};
  if (has_accuracy) result.accuracy = runtime.read_total(kEvaluationCorrect) / count;
  return result;
}

Predictor::Predictor(Runtime& runtime, const ModelDefinition& model, const Dataset& data, Part part,
                     const GraphOptions& options, bool stream)
    : PartPrograms(runtime, data, part, model.batch, stream,
                   [&](const Feed& feed) { return prediction_graph(model, feed, options); }) {}

void Predictor::run(Runtime& runtime, std::int64_t count,
                    const std::function<void(std::int64_t, std::span<const float>)>& sink) const {
  runtime.clear(kPredictionStep);
  const Feed& feed = programs_.feed();
  feed_->start(0, (std::min(count, feed.count) + feed.batch - 1) / feed.batch);
  for (std::int64_t step = 0, first = 0; first < std::min(count, feed.count); ++step) {
    run_steps(runtime, step, 1);
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
