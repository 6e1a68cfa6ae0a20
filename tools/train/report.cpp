#include "tools/train/report.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "engine/core/error.h"
#include "tools/common/format.h"
#include "tools/common/interrupt.h"
#include "tools/common/output.h"

namespace engine::tools {
namespace {

std::string size_text(std::size_t bytes) {
  return human_bytes(static_cast<double>(bytes));
}

std::string rate_text(double samples_per_second) {
  return with_separators(std::llround(samples_per_second)) + " samples/s";
}

// A word for a POSIX shell.
std::string shell_word(const std::string& text) {
  const bool plain = text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_./:=+-") == std::string::npos;
  if (plain && !text.empty()) return text;
  std::string word = "'";
  for (char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string padded(std::int64_t number, std::int64_t largest) {
  return fmt::format("{:>{}}", number, fmt::formatted_size("{}", largest));
}

Record start_record(const TrainStart& start, const std::string& model) {
  const auto bytes = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  Record record;
  record.set("event", "start").set("model", model).set("run", start.run);
  record.set("device", start.device).set("data", start.data);
  record.set("parameters", start.parameters).set("epochs", start.epochs);
  record.set("steps_per_epoch", start.steps_per_epoch).set("first_step", start.first_step);
  record.set("tune_seconds", start.tune_seconds);
  record.set("problems_tuned", std::int64_t{start.problems_tuned});
  record.set("state_bytes", bytes(start.memory.state)).set("data_bytes", bytes(start.memory.data));
  record.set("arena_bytes", bytes(start.memory.arena));
  return record.set("code_bytes", bytes(start.memory.code));
}

Record end_record(const TrainResult& result) {
  Record record;
  record.set("event", "end").set("test_loss", result.test.loss);
  if (result.test.accuracy) record.set("test_accuracy", *result.test.accuracy);
  record.set("train_seconds", result.train_seconds);
  record.set("tune_seconds", result.tune_seconds);
  record.set("samples_per_second", result.samples_per_second);
  record.set("step_milliseconds_median", result.step_milliseconds_median);
  record.set("data_wait_share", result.data_wait_share);
  record.set("peak_bytes", static_cast<std::int64_t>(result.peak_bytes));
  record.set("resident_growth_bytes", static_cast<std::int64_t>(result.resident_growth));
  record.set("steps", result.steps).set("skipped_steps", result.skipped_steps);
  if (result.best_epoch > 0)
    record.set("best_epoch", result.best_epoch)
        .set("best_validation_loss", result.best_validation_loss);
  record.set("stopped", result.stopped).set("run", result.run);
  return record.set("interrupted", result.interrupted);
}

}  // namespace

std::string scores_line(const EvaluationResult& test) {
  if (!test.accuracy) return fmt::format("test loss      {:.4f}", test.loss);
  return fmt::format("test accuracy  {:.4f}, loss {:.4f}", *test.accuracy, test.loss);
}

FitReport::FitReport(ReportOptions options, std::string model, std::atomic<bool>& stop)
    : options_(options), model_(std::move(model)), stop_(stop), status_(!options.quiet) {}

void FitReport::emit(const std::string& line) {
  status_.clear();
  if (!lost_.empty()) return;
  try {
    print_line(line);
  } catch (const FileError& error) {
    lost_ = error.what();
    stop_ = true;
  }
}

void FitReport::on_tuning(const std::string& problem, const std::string& candidate, int done,
                          int total) {
  if (stop_) throw Interrupted();
  show_tuning(status_, problem, candidate, done, total);
  if (said_tuning_ || status_.is_visible() || options_.quiet) return;
  said_tuning_ = true;
  fmt::print(stderr, "measuring kernels for shapes that are new on this machine\n");
}

void FitReport::on_start(const TrainStart& start) {
  epochs_ = start.epochs;
  if (options_.json)
    emit(to_json(start_record(start, model_)));
  else if (!options_.quiet)
    print_start(start);
}

void FitReport::print_start(const TrainStart& start) {
  emit(fmt::format("model   {}, {} parameters", model_, with_separators(start.parameters)));
  emit(fmt::format("data    {}", one_line(start.data)));
  emit(fmt::format("device  {}", start.device));
  emit(fmt::format("memory  {}: state {}, data {}, arena {}, code {}",
                   size_text(start.memory.total()), size_text(start.memory.state),
                   size_text(start.memory.data), size_text(start.memory.arena),
                   size_text(start.memory.code)));
  if (start.problems_tuned > 0)
    emit(fmt::format("tuning  {} problems in {}", start.problems_tuned,
                     human_seconds(start.tune_seconds)));
  emit(fmt::format("run     {}", one_line(start.run)));
  const std::int64_t steps = start.epochs * start.steps_per_epoch;
  if (start.first_step >= steps)
    emit(fmt::format("resumed at step {}: all {} epochs are done", start.first_step, start.epochs));
  else if (start.first_step > 0)
    emit(fmt::format("resumed at step {} of {}", start.first_step, steps));
}

void FitReport::on_progress(const TrainProgress& progress) {
  if (!status_.is_visible()) return;
  const double done = static_cast<double>(progress.step) / static_cast<double>(progress.steps);
  status_.show(fmt::format("epoch {}/{} {} {:3.0f}%  {}{}  {} left",
                           padded(progress.epoch, epochs_), epochs_, progress_bar(done, 24),
                           100 * done, rate_text(progress.samples_per_second), last_loss_,
                           human_seconds(progress.seconds_left)));
}

void FitReport::on_epoch(const EpochMetrics& metrics, TrainControl&) {
  last_loss_ = fmt::format("  loss {:.4f}", metrics.loss.value_or(0));
  if (options_.json) {
    emit("{\"event\":\"epoch\"," + to_json_fields(metrics) + "}");
  } else if (!options_.quiet) {
    const auto measured = [](const char* name, const std::optional<double>& value) {
      return value ? fmt::format("  {} {:.4f}", name, *value) : std::string();
    };
    emit(fmt::format("epoch {}/{}{}{}{}{}  {}  {}", padded(metrics.epoch, epochs_), epochs_,
                     last_loss_, measured("accuracy", metrics.accuracy),
                     measured("validation loss", metrics.validation_loss),
                     measured("accuracy", metrics.validation_accuracy),
                     human_seconds(metrics.seconds.value_or(0)),
                     rate_text(metrics.samples_per_second.value_or(0))));
  }
}

void FitReport::finish(const TrainResult& result) {
  if (options_.json)
    emit(to_json(end_record(result)));
  else
    print_end(result);
  status_.clear();
  if (result.interrupted || !lost_.empty()) print_how_to_resume(result);
  if (!lost_.empty()) throw FileError(lost_);
}

void FitReport::print_end(const TrainResult& result) {
  if (!options_.quiet) emit("");
  if (!result.stopped.empty()) emit("stopped early  " + result.stopped);
  if (result.skipped_steps > 0)
    emit(fmt::format("skipped        {} steps that were not finite", result.skipped_steps));
  emit(scores_line(result.test));
  emit(fmt::format("training       {}, {:.3g} ms a step (median), {}",
                   human_seconds(result.train_seconds), result.step_milliseconds_median,
                   rate_text(result.samples_per_second)));
  constexpr double kWorthSaying = 0.05;
  if (result.data_wait_share > kWorthSaying)
    emit(fmt::format(
        "waiting        {:.0f}% of training for data: more --loader-threads, or smaller "
        "images, may help",
        100 * result.data_wait_share));
  emit(fmt::format("run folder     {}", one_line(result.run)));
}

void FitReport::print_how_to_resume(const TrainResult& result) {
  fmt::print(stderr,
             "stopped after step {}, which is saved; to go on: engine-train fit --resume {}\n",
             result.steps, shell_word(one_line(result.run)));
}

}  // namespace engine::tools
