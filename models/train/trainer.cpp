#include "models/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/process_memory.h"
#include "models/train/run_outputs.h"
#include "models/train/training_setup.h"
#include "ops/sparse_embedding.h"

namespace engine {
namespace {

// Steps are enqueued in bursts of about this long; between bursts the host looks at the clock, at
// the stop flag and at nothing else.
constexpr double kBurstSeconds = 0.1;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Training final : public TrainControl {
 public:
  Training(const ModelDefinition& model, std::unique_ptr<Dataset> data,
           const TrainSettings& settings, const RunPlace& place, Callback& callback,
           const std::atomic<bool>& stop)
      : settings_(settings),
        stop_(stop),
        dataset_(prepare_data(std::move(data), model, settings, place)),
        model_(model_for_run(model, *dataset_, settings)),
        callbacks_({&callback}),
        runtime_(options_for(settings, place, callbacks_)),
        graph_options_(graph_options(settings)),
        parts_(parts_with_data(*dataset_)),
        streams_(compile_for_data(runtime_, *dataset_, parts_, wanted_pipeline(settings, *dataset_),
                                  [&](bool stream) { compile(stream); })),
        folder_(make_folder(settings, place, model_, runtime_.device())),
        outputs_(folder_) {
    add_rules();
    // First, so that whatever a callback does, the epoch is on record.
    callbacks_.add_first(outputs_);
  }

  TrainResult run(bool resumed) {
    try {
      prepare(resumed);
      const auto start = std::chrono::steady_clock::now();
      const std::int64_t first = step_;
      feed_->start(step_, last_step());
      while (step_ < last_step() && !stop_ && result_.stopped.empty()) run_epoch();
      result_.train_seconds = seconds_since(start) - evaluation_seconds_;
      finish(first);
    } catch (const std::exception& error) {
      outputs_.note(std::string("failed: ") + error.what());
      throw;
    }
    return result_;
  }

  void stop(const std::string& why) override { result_.stopped = why; }
  void scale_learning_rate(double factor) override {
    float rate = 0;
    runtime_.store().download(kLearningRate, &rate, runtime_.stream());
    rate = static_cast<float>(rate * factor);
    runtime_.store().upload(kLearningRate, &rate, runtime_.stream());
  }

 private:
  void add_rules() {
    if (settings_.patience > 0)
      callbacks_.add_last(
          *rules_.emplace_back(std::make_unique<EarlyStopping>(settings_.patience)));
    const ScheduleSettings& schedule = settings_.optimizer.schedule;
    if (schedule.kind == ScheduleKind::plateau)
      callbacks_.add_last(*rules_.emplace_back(
          std::make_unique<PlateauSchedule>(schedule.epochs, schedule.factor)));
  }

  static std::vector<Part> parts_with_data(const Dataset& data) {
    std::vector<Part> parts{Part::train, Part::test, Part::validation};
    std::erase_if(parts, [&](Part part) { return data.count(part) == 0; });
    return parts;
  }

  void compile(bool stream) {
    steps_.emplace(
        runtime_, stream ? streamed(feed()) : feed(),
        [&](const Feed& feed) { return training_graph(model_, feed, graph_options_); },
        settings_.seed);
    add_settling();
    test_.emplace(runtime_, model_, *dataset_, Part::test, graph_options_, stream);
    if (dataset_->count(Part::validation) > 0)
      validation_.emplace(runtime_, model_, *dataset_, Part::validation, graph_options_, stream);
  }

  // The program that makes up for what training steps put off.
  void add_settling() {
    settling_.reset();
    if (auto graph = ops::settling_graph(runtime_.program(steps_->first()).graph))
      settling_ = runtime_.add(std::move(*graph));
  }
  void settle() {
    if (settling_) runtime_.executor(*settling_).run(runtime_.stream());
  }

  Feed feed() const {
    const std::int64_t count = dataset_->count(Part::train);
    if (!model_.partial_batches && count < model_.batch)
      throw DataError(fmt::format("{}: {} training observations, fewer than a batch of {}",
                                  dataset_->description(), count, model_.batch));
    return make_feed(*dataset_, Part::train, model_.batch, true, model_.partial_batches);
  }

  std::int64_t last_step() const {
    const std::int64_t all = settings_.epochs * steps_->steps();
    return settings_.max_steps == 0 ? all : std::min(all, settings_.max_steps);
  }

  void prepare(bool resumed) {
    result_.run = folder_.path();
    result_.tune_seconds = runtime_.tuner().seconds_spent();
    runtime_.allocate();
    result_.peak_bytes = runtime_.budget().total();
    const auto threads = static_cast<int>(settings_.loader_threads);
    feed_ =
        std::make_unique<BatchFeed>(*dataset_, steps_->feed(), settings_.seed, threads, runtime_);
    test_->load(runtime_, threads);
    if (validation_) validation_->load(runtime_, threads);
    if (resumed) {
      restore();
    } else {
      initialize_parameters(steps_->parameters(), settings_.seed, runtime_);
      write_cache(folder_.algorithms_path(), runtime_.tuner().records());
    }
    announce();
  }

  // A checkpoint is the state after a step; what was measured after it is measured again.
  void restore() {
    const Metadata metadata = folder_.checkpoints().load(runtime_.store(), runtime_.stream());
    require_as_many(metadata, *dataset_);
    step_ = runtime_.read_counter(kTrainStep);
    folder_.metrics().keep_until(step_ / steps_->steps());
    history_ = folder_.metrics().read();
    for (const EpochMetrics& metrics : history_) monitor_.improves(metrics);
  }

  void announce() {
    std::int64_t parameters = 0;
    for (const Parameter& parameter : steps_->parameters())
      parameters += parameter.state.type.element_count();
    callbacks_.on_start({folder_.path(),
                         runtime_.device().name() + ": " + runtime_.device().fingerprint(),
                         dataset_->description() + (streams_ ? ", streamed" : ""), parameters,
                         steps_->steps(), step_, settings_.epochs, result_.tune_seconds,
                         runtime_.tuner().problems_tuned(), runtime_.budget(), history_});
  }

  // From the current step to the end of its epoch, or to where training stops.
  void run_epoch() {
    const std::int64_t epoch = step_ / steps_->steps();
    const std::int64_t end = std::min(last_step(), (epoch + 1) * steps_->steps());
    const std::int64_t begin = step_;
    const auto start = std::chrono::steady_clock::now();
    while (step_ < end && !stop_) {
      run_burst(end);
      report_progress(epoch, begin, seconds_since(start));
      if (settings_.checkpoint_every > 0 && step_ % settings_.checkpoint_every == 0 && step_ < end)
        save();
    }
    if (step_ == (epoch + 1) * steps_->steps()) close_epoch(epoch, begin, seconds_since(start));
    save();
  }

  void run_burst(std::int64_t end) {
    std::int64_t count = std::min(burst_, std::min(end, steps_->end_of_burst(step_)) - step_);
    if (settings_.checkpoint_every > 0)
      count = std::min(count, settings_.checkpoint_every - step_ % settings_.checkpoint_every);
    const auto start = std::chrono::steady_clock::now();
    for (const std::int64_t burst_end = step_ + count; step_ < burst_end;)
      run_steps(burst_end - step_);
    const double seconds = seconds_since(start);
    step_milliseconds_.push_back(1e3 * seconds / static_cast<double>(count));
    if (count == burst_ && seconds < kBurstSeconds / 2) burst_ *= 2;
    if (seconds > kBurstSeconds * 2) burst_ = std::max<std::int64_t>(1, burst_ / 2);
  }

  // As many of `most` steps as there are data for at a time.
  void run_steps(std::int64_t most) {
    const std::int64_t count = feed_->ready(step_, most);
    steps_->run(runtime_, step_, step_ + count);
    runtime_.stream().synchronize();
    const std::int64_t reached = runtime_.read_counter(kTrainStep);
    if (reached != step_ + count) fail_at(reached);
    step_ = reached;
    feed_->done(step_);
  }

  void report_progress(std::int64_t epoch, std::int64_t begin, double seconds) {
    const double speed = static_cast<double>(step_ - begin) / seconds;
    callbacks_.on_progress({epoch + 1, step_ - epoch * steps_->steps(), steps_->steps(),
                            static_cast<double>(steps_->observations(begin, step_)) / seconds,
                            static_cast<double>(last_step() - step_) / speed});
  }

  // The device stood still at a step that is not finite, with the state from before it.
  [[noreturn]] void fail_at(std::int64_t bad_step) {
    step_ = bad_step;
    const std::optional<graph::NotFinite> found = steps_->find_not_finite(runtime_, step_);
    save();
    const std::string what =
        found ? fmt::format("{} of {} elements of '{}' ({}) are not finite, the first at {}: {}",
                            found->bad, found->elements, found->label, found->op, found->first,
                            found->value)
              : std::string("the step was not finite, but is when repeated");
    throw TrainingError(fmt::format(
        "step {} (epoch {}): {}; the state before it is saved in {}/checkpoints; a learning rate "
        "below {} or --clip-norm may help, --skip-bad-steps goes on",
        step_ + 1, step_ / steps_->steps() + 1, what, folder_.path(),
        settings_.optimizer.learning_rate));
  }

  void close_epoch(std::int64_t epoch, std::int64_t begin, double seconds) {
    EpochMetrics metrics;
    metrics.epoch = epoch + 1;
    take_totals(epoch, metrics);
    const auto start = std::chrono::steady_clock::now();
    const EvaluationResult validation = validate_epoch();
    evaluation_seconds_ += seconds_since(start);
    metrics.validation_loss = validation.loss;
    metrics.validation_accuracy = validation.accuracy;
    metrics.seconds = seconds;
    metrics.samples_per_second = static_cast<double>(steps_->observations(begin, step_)) / seconds;
    metrics.learning_rate = learning_rate();
    const bool best = monitor_.improves(metrics);
    callbacks_.on_epoch(metrics, *this);
    if (best) save_to(folder_.best_checkpoint_path());
  }

  // The epoch's totals, over the observations of the steps that had an effect.
  void take_totals(std::int64_t epoch, EpochMetrics& metrics) {
    const std::int64_t skipped = skipped_steps() - result_.skipped_steps;
    result_.skipped_steps += skipped;
    const std::int64_t first = epoch * steps_->steps();
    const auto seen = static_cast<double>(steps_->observations(first, first + steps_->steps()) -
                                          skipped * steps_->feed().batch);
    metrics.loss = runtime_.read_total(kTrainLoss) / seen;
    runtime_.clear(kTrainLoss);
    if (!runtime_.store().has(kTrainCorrect)) return;
    metrics.accuracy = runtime_.read_total(kTrainCorrect) / seen;
    runtime_.clear(kTrainCorrect);
  }

  std::int64_t skipped_steps() {
    return runtime_.store().has(kSkippedSteps) ? runtime_.read_counter(kSkippedSteps) : 0;
  }

  EvaluationResult validate_epoch() {
    settle();
    if (validation_) return validation_->run(runtime_);
    result_.test = test_->run(runtime_);
    tested_ = step_;
    return result_.test;
  }

  // Of the step that comes next.
  double learning_rate() {
    float base = 0;
    runtime_.store().download(kLearningRate, &base, runtime_.stream());
    return scheduled_learning_rate(model_.optimizer, base, step_);
  }

  void save() {
    settle();
    folder_.checkpoints().save(runtime_.store(), runtime_.stream(), metadata());
  }
  void save_to(const std::string& path) {
    settle();
    save_checkpoint(path, runtime_.store(), runtime_.stream(), metadata());
  }
  Metadata metadata() const {
    return {{"model", model_.name},
            {"step", std::to_string(step_)},
            {kObservations, std::to_string(dataset_->count(Part::train))}};
  }

  void finish(std::int64_t first) {
    if (step_ == first) save();
    settle();
    if (tested_ != step_) result_.test = test_->run(runtime_);
    result_.best_epoch = monitor_.best_epoch();
    result_.best_validation_loss = monitor_.best_loss();
    result_.interrupted = stop_ && step_ < last_step();
    result_.steps = step_;
    result_.step_milliseconds_median = median(step_milliseconds_);
    if (result_.train_seconds > 0) {
      result_.samples_per_second =
          static_cast<double>(steps_->observations(first, step_)) / result_.train_seconds;
      result_.data_wait_share = feed_->seconds_waited() / result_.train_seconds;
    }
    outputs_.note(fmt::format("{} at step {}: test loss {}, {:.1f} s of training",
                              result_.interrupted       ? "interrupted"
                              : result_.stopped.empty() ? "end"
                                                        : "stopped early (" + result_.stopped + ")",
                              step_, result_.test.loss, result_.train_seconds));
  }

  const TrainSettings settings_;
  const std::atomic<bool>& stop_;
  const std::unique_ptr<Dataset> dataset_;
  const ModelDefinition model_;
  CallbackList callbacks_;
  Runtime runtime_;
  GraphOptions graph_options_;
  const std::vector<Part> parts_;
  std::optional<BatchPrograms> steps_;
  std::optional<std::size_t> settling_;
  std::optional<Evaluator> test_, validation_;
  const bool streams_;
  std::unique_ptr<BatchFeed> feed_;
  RunFolder folder_;
  RunOutputs outputs_;
  std::vector<std::unique_ptr<Callback>> rules_;

  std::int64_t step_ = 0;
  std::int64_t burst_ = 1;
  std::int64_t tested_ = -1;  // the step after which the test part was evaluated
  double evaluation_seconds_ = 0;
  std::vector<double> step_milliseconds_;
  std::vector<EpochMetrics> history_;
  Monitor monitor_;
  TrainResult result_;
};

}  // namespace

TrainResult train(const ModelDefinition& model, std::unique_ptr<Dataset> data,
                  const TrainSettings& settings, const RunPlace& place, Callback& callback,
                  const std::atomic<bool>& stop) {
  validate(settings);
  if (!place.resume.empty())
    check_resumable(from_config(RunFolder::open(place.resume).read_config()), settings);
  if (place.resume.empty() && !place.out.empty()) RunFolder::require_writable(place.out);
  reset_resident_peak();
  const std::size_t before = ProcessMemory::now().resident;
  TrainResult result =
      Training(model, std::move(data), settings, place, callback, stop).run(!place.resume.empty());
  result.resident_growth = ProcessMemory::now().resident_peak - before;
  return result;
}

TrainResult train(const ModelDefinition& model, const TrainSettings& settings,
                  const RunPlace& place, Callback& callback, const std::atomic<bool>& stop) {
  return train(model, open_dataset(settings.data, data_expectation(model, settings), settings.task),
               settings, place, callback, stop);
}

TrainResult train(const TrainSettings& settings, const RunPlace& place, Callback& callback,
                  const std::atomic<bool>& stop) {
  const ModelDefinition model =
      place.resume.empty() ? for_data(find_model(settings.model), settings.data, settings.task)
                           : run_model(RunFolder::open(place.resume), settings);
  return train(model, settings, place, callback, stop);
}

}  // namespace engine
