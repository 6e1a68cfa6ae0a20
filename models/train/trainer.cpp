#include "models/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/core/process_memory.h"
#include "engine/device/cpu/parallel.h"

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

void initialize_parameters(const std::vector<Parameter>& parameters, std::uint64_t seed,
                           Runtime& runtime) {
  for (const Parameter& parameter : parameters) {
    const std::vector<float> values =
        draw(parameter.initializer, parameter.state.type.element_count(), parameter.fan_in,
             parameter.fan_out, random_key(seed, parameter.state.name));
    runtime.store().upload(parameter.state.name, values.data(), runtime.stream());
  }
}

// A resumed run launches the kernels it was started with: noise must not change its result.
RuntimeOptions options_for(const TrainSettings& settings, const RunPlace& place,
                           TrainObserver& observer) {
  RuntimeOptions options = runtime_options(settings);
  if (!place.resume.empty() && options.tuner.mode != Autotune::off) {
    options.tuner.mode = Autotune::locked;
    options.algorithm_cache = RunFolder::open(place.resume).algorithms_path();
  }
  options.tuner.progress = [&observer](const std::string& problem, const std::string& candidate,
                                       int done, int total) {
    observer.on_tuning(problem, candidate, done, total);
  };
  return options;
}

class Training {
 public:
  Training(const ModelDefinition& model, const TrainSettings& settings, const RunPlace& place,
           TrainObserver& observer, const std::atomic<bool>& stop)
      : settings_(settings),
        model_(with_settings(model, settings)),
        observer_(observer),
        stop_(stop),
        dataset_(open_dataset(settings.data, {model_.network.input(), model_.classes})),
        runtime_(options_for(settings, place, observer)),
        graph_options_{settings.seed, settings.passes_off, false},
        steps_(runtime_, feed(),
               [&](const Feed& feed) { return training_graph(model_, feed, graph_options_); }),
        evaluator_(runtime_, model_, Part::test, dataset_->count(Part::test), graph_options_),
        folder_(make_folder(place)) {}

  TrainResult run(bool resumed) {
    prepare(resumed);
    const auto start = std::chrono::steady_clock::now();
    const std::int64_t first = step_;
    while (step_ < last_step() && !stop_) run_epoch();
    result_.train_seconds = seconds_since(start) - evaluation_seconds_;
    finish(first);
    return result_;
  }

 private:
  Feed feed() const {
    const std::int64_t count = dataset_->count(Part::train);
    if (!model_.partial_batches && count < model_.batch)
      throw DataError(fmt::format("{}: {} training observations, fewer than a batch of {}",
                                  settings_.data, count, model_.batch));
    return {Part::train, count, std::min(model_.batch, count), 0, true, model_.partial_batches};
  }

  RunFolder make_folder(const RunPlace& place) {
    if (!place.resume.empty()) {
      // What may differ from the start (epochs, data) is what the next resume goes by.
      RunFolder folder = RunFolder::open(place.resume);
      folder.write_config(to_config(settings_));
      return folder;
    }
    TrainSettings resolved = settings_;
    resolved.device = runtime_.device().name();
    if (runtime_.device().backend() == "cpu") resolved.threads = cpu::threads();
    const RunConfig config = to_config(resolved);
    if (place.out.empty()) return RunFolder::create_numbered("runs", model_.name, config);
    return RunFolder::create(place.out, config);
  }

  std::int64_t last_step() const {
    const std::int64_t all = settings_.epochs * steps_.steps();
    return settings_.max_steps == 0 ? all : std::min(all, settings_.max_steps);
  }

  void prepare(bool resumed) {
    log::add_file(folder_.log_path());
    result_.run = folder_.path();
    result_.tune_seconds = runtime_.tuner().seconds_spent();
    runtime_.allocate();
    result_.peak_bytes = runtime_.budget().total();
    upload_dataset(*dataset_, model_, Part::train, runtime_);
    upload_dataset(*dataset_, model_, Part::test, runtime_);
    if (resumed) {
      folder_.checkpoints().load(runtime_.store(), runtime_.stream());
      step_ = runtime_.read_counter(kTrainStep);
      folder_.metrics().keep_until(step_ / steps_.steps());
    } else {
      initialize_parameters(steps_.parameters(), settings_.seed, runtime_);
      AlgorithmCache choices(folder_.algorithms_path());
      for (const TuningRecord& record : runtime_.tuner().records()) choices.store(record);
    }
    announce();
  }

  void announce() {
    std::int64_t parameters = 0;
    for (const Parameter& parameter : steps_.parameters())
      parameters += parameter.state.type.element_count();
    observer_.on_start(
        {folder_.path(), runtime_.device().name() + ": " + runtime_.device().fingerprint(),
         dataset_->description(), parameters, steps_.steps(), step_, settings_.epochs,
         result_.tune_seconds, runtime_.tuner().problems_tuned(), runtime_.budget()});
  }

  // From the current step to the end of its epoch, or to where training stops.
  void run_epoch() {
    const std::int64_t epoch = step_ / steps_.steps();
    const std::int64_t end = std::min(last_step(), (epoch + 1) * steps_.steps());
    const std::int64_t begin = step_;
    const auto start = std::chrono::steady_clock::now();
    while (step_ < end && !stop_) {
      run_burst(end);
      report_progress(epoch, begin, seconds_since(start));
      if (settings_.checkpoint_every > 0 && step_ % settings_.checkpoint_every == 0 && step_ < end)
        save();
    }
    if (step_ == (epoch + 1) * steps_.steps()) close_epoch(epoch, begin, seconds_since(start));
    save();
  }

  void run_burst(std::int64_t end) {
    std::int64_t count = std::min(burst_, end - step_);
    if (settings_.checkpoint_every > 0)
      count = std::min(count, settings_.checkpoint_every - step_ % settings_.checkpoint_every);
    const auto start = std::chrono::steady_clock::now();
    steps_.run(runtime_, step_ % steps_.steps(), count);
    runtime_.stream().synchronize();
    const double seconds = seconds_since(start);
    step_ += count;
    step_milliseconds_.push_back(1e3 * seconds / static_cast<double>(count));
    if (seconds < kBurstSeconds / 2) burst_ *= 2;
    if (seconds > kBurstSeconds * 2) burst_ = std::max<std::int64_t>(1, burst_ / 2);
  }

  std::int64_t samples(std::int64_t first_step, std::int64_t steps) const {
    const std::int64_t position = first_step % steps_.steps() + steps;
    const bool has_last = steps_.last_size() > 0 && position == steps_.steps();
    return steps * steps_.feed().batch - (has_last ? steps_.feed().batch - steps_.last_size() : 0);
  }

  void report_progress(std::int64_t epoch, std::int64_t begin, double seconds) {
    const double speed = static_cast<double>(step_ - begin) / seconds;
    observer_.on_progress({epoch + 1, step_ - epoch * steps_.steps(), steps_.steps(),
                           static_cast<double>(samples(begin, step_ - begin)) / seconds,
                           static_cast<double>(last_step() - step_) / speed});
  }

  void check_finite() {
    if (!std::isfinite(runtime_.read_total(kTrainLoss)))
      throw TrainingError(fmt::format(
          "the training loss is not finite by step {} (epoch {}); the last good checkpoint is in "
          "{}/checkpoints; a lower learning rate than {} may help",
          step_, (step_ - 1) / steps_.steps() + 1, folder_.path(),
          settings_.optimizer.learning_rate));
  }

  void close_epoch(std::int64_t epoch, std::int64_t begin, double seconds) {
    check_finite();
    const auto seen = static_cast<double>(samples(epoch * steps_.steps(), steps_.steps()));
    EpochMetrics metrics;
    metrics.epoch = epoch + 1;
    metrics.loss = runtime_.read_total(kTrainLoss) / seen;
    metrics.accuracy = runtime_.read_total(kTrainCorrect) / seen;
    runtime_.clear(kTrainLoss);
    runtime_.clear(kTrainCorrect);
    const auto start = std::chrono::steady_clock::now();
    result_.test = evaluator_.run(runtime_);
    evaluated_ = step_;
    evaluation_seconds_ += seconds_since(start);
    metrics.validation_loss = result_.test.loss;
    metrics.validation_accuracy = result_.test.accuracy;
    metrics.seconds = seconds;
    metrics.samples_per_second = static_cast<double>(samples(begin, step_ - begin)) / seconds;
    metrics.learning_rate = settings_.optimizer.learning_rate;
    folder_.metrics().append(metrics);
    observer_.on_epoch(metrics);
  }

  // A good checkpoint is never replaced by one whose loss went astray.
  void save() {
    check_finite();
    folder_.checkpoints().save(runtime_.store(), runtime_.stream(),
                               {{"model", model_.name}, {"step", std::to_string(step_)}});
  }

  void finish(std::int64_t first) {
    if (step_ == first) save();
    if (evaluated_ != step_) result_.test = evaluator_.run(runtime_);
    result_.interrupted = stop_ && step_ < last_step();
    result_.steps = step_;
    result_.step_milliseconds_median = median(step_milliseconds_);
    const std::int64_t epochs = step_ / steps_.steps() - first / steps_.steps();
    const std::int64_t seen =
        (step_ - first) * steps_.feed().batch -
        (steps_.last_size() > 0 ? epochs * (steps_.feed().batch - steps_.last_size()) : 0);
    if (result_.train_seconds > 0)
      result_.samples_per_second = static_cast<double>(seen) / result_.train_seconds;
  }

  const TrainSettings settings_;
  const ModelDefinition model_;
  TrainObserver& observer_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<Dataset> dataset_;
  Runtime runtime_;
  GraphOptions graph_options_;
  BatchPrograms steps_;
  Evaluator evaluator_;
  RunFolder folder_;

  std::int64_t step_ = 0;
  std::int64_t burst_ = 1;
  std::int64_t evaluated_ = -1;
  double evaluation_seconds_ = 0;
  std::vector<double> step_milliseconds_;
  TrainResult result_;
};

}  // namespace

TrainResult train(const ModelDefinition& model, const TrainSettings& settings,
                  const RunPlace& place, TrainObserver& observer, const std::atomic<bool>& stop) {
  validate(settings);
  if (!place.resume.empty())
    check_resumable(from_config(RunFolder::open(place.resume).read_config()), settings);
  reset_resident_peak();
  const std::size_t before = ProcessMemory::now().resident;
  TrainResult result = Training(model, settings, place, observer, stop).run(!place.resume.empty());
  result.resident_growth = ProcessMemory::now().resident_peak - before;
  return result;
}

TrainResult train(const TrainSettings& settings, const RunPlace& place, TrainObserver& observer,
                  const std::atomic<bool>& stop) {
  return train(find_model(settings.model), settings, place, observer, stop);
}

}  // namespace engine
