#include "models/train/evaluator.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"

namespace engine {
namespace {

Feed part_feed(const Dataset& data, Part part, std::int64_t batch, bool stream) {
  const Feed feed = make_feed(data, part, batch, false, true);
  return stream ? streamed(feed) : feed;
}

// Of two buckets' programs.
void require_same_parameters(const std::vector<Parameter>& before,
                             const std::vector<Parameter>& now, const Feed& feed) {
  for (std::size_t i = 0; i < before.size() && !feed.buckets.empty(); ++i)
    if (before[i].state.type != now.at(i).state.type)
      throw UsageError(
          fmt::format("--buckets {}: '{}' would be {} for texts of {} tokens and {} for shorter "
                      "ones, expected a "
                      "network whose parameters do not depend on the length",
                      feed.buckets.size(), now[i].state.name, now[i].state.type.to_string(),
                      feed.group.length, before[i].state.type.to_string()));
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

BatchPrograms::BatchPrograms(Runtime& runtime, const Feed& feed, const MakeGraph& make_graph,
                             std::uint64_t seed)
    : feed_(feed), steps_(feed.steps_per_epoch()), order_(observations_of_steps(feed, seed).key) {
  for (const BatchGroup& group : feed_.groups()) {
    feed_.group = group;
    entries_.push_back({group, compile(runtime, make_graph)});
  }
  ENGINE_CHECK(!entries_.empty(), "programs for no batch");
  feed_.group = entries_.front().group;
}

std::size_t BatchPrograms::compile(Runtime& runtime, const MakeGraph& make_graph) {
  StepGraph step = make_graph(feed_);
  require_same_parameters(parameters_, step.parameters, feed_);
  parameters_ = std::move(step.parameters);
  // The values belong to a graph that lives on in the program; nobody needs them from here.
  for (Parameter& parameter : parameters_) parameter.value = nullptr;
  passes_ = std::move(step.passes);
  return runtime.add(std::move(step.graph));
}

const BatchPrograms::Entry& BatchPrograms::entry_of(std::int64_t step) const {
  const std::int64_t number = batch_number(step, steps_, feed_.mixed(), order_);
  return *std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return number < entry.group.first + entry.group.count;
  });
}

std::int64_t BatchPrograms::observations(std::int64_t first, std::int64_t end) const {
  return observations_before(end) - observations_before(first);
}

std::int64_t BatchPrograms::observations_before(std::int64_t step) const {
  const std::int64_t epochs = step / steps_, begin = epochs * steps_;
  std::int64_t count = 0;
  for (const auto& [group, program] : entries_) {
    const std::int64_t left = feed_.mixed() ? 0 : step - begin - group.first;
    count += group.size * (epochs * group.count + std::clamp<std::int64_t>(left, 0, group.count));
  }
  for (std::int64_t mixed = begin; feed_.mixed() && mixed < step; ++mixed)
    count += entry_of(mixed).group.size;
  return count;
}

std::int64_t BatchPrograms::end_of_burst(std::int64_t step) const {
  const std::int64_t epoch = step - step % steps_;
  if (feed_.mixed()) return epoch + steps_;  // steps of other programs are guarded
  const BatchGroup& group = entry_of(step).group;
  return epoch + group.first + group.count;
}

void BatchPrograms::run(Runtime& runtime, std::int64_t first, std::int64_t end) const {
  while (first < end) {
    const Entry& entry = entry_of(first);
    int count = 1;
    while (first + count < end && &entry_of(first + count) == &entry) ++count;
    runtime.executor(entry.program).run(runtime.stream(), count);
    first += count;
  }
}

std::optional<graph::NotFinite> BatchPrograms::find_not_finite(Runtime& runtime,
                                                               std::int64_t step) const {
  return runtime.executor(entry_of(step).program).find_not_finite(runtime.stream());
}

PartPrograms::PartPrograms(Runtime& runtime, const Dataset& data, Part part, std::int64_t batch,
                           bool stream, const BatchPrograms::MakeGraph& make_graph)
    : data_(data), programs_(runtime, part_feed(data, part, batch, stream), make_graph) {}

void PartPrograms::load(Runtime& runtime, int loader_threads) {
  feed_ = std::make_unique<BatchFeed>(data_, programs_.feed(), 0, loader_threads, runtime);
}

std::int64_t PartPrograms::run_steps(Runtime& runtime, std::int64_t step, std::int64_t most) const {
  const std::int64_t count = feed_->ready(step, most);
  programs_.run(runtime, step, step + count);
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
  const std::span<const std::int64_t> places = data_.places(feed.part);
  count = std::min(count, feed.count);
  // Where observations lie in another order, all are predicted before the first one is handed on.
  const std::int64_t wanted = places.empty() ? count : feed.count;
  std::vector<float> in_order;
  feed_->start(0, (wanted + feed.batch - 1) / feed.batch);
  for (std::int64_t step = 0, first = 0; first < wanted; ++step) {
    run_steps(runtime, step, 1);
    const std::int64_t size = programs_.observations(step, step + 1);
    const std::string state = prediction_state(size);
    const TensorType& type = runtime.store().view(state).type;
    const auto width = static_cast<std::size_t>(type.shape.elements_after(0));
    std::vector<float> output(static_cast<std::size_t>(size) * width);
    runtime.store().download(state, output.data(), runtime.stream());
    if (places.empty()) {
      const std::int64_t rows = std::min(size, wanted - first);
      sink(rows, std::span(output).first(static_cast<std::size_t>(rows) * width));
    } else {
      in_order.resize(static_cast<std::size_t>(feed.count) * width);
      for (std::int64_t i = 0; i < size; ++i)
        std::copy_n(
            &output[static_cast<std::size_t>(i) * width], width,
            &in_order[static_cast<std::size_t>(places[static_cast<std::size_t>(first + i)]) *
                      width]);
    }
    first += size;
  }
  if (!places.empty() && count > 0)
    sink(count, std::span(in_order).first(in_order.size() / static_cast<std::size_t>(feed.count) *
                                          static_cast<std::size_t>(count)));
}

}  // namespace engine
