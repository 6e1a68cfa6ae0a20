// engine-train evaluate and predict: a run's parameters on the test part of some data.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/core/error.h"
#include "models/train/evaluator.h"
#include "models/train/run_folder.h"
#include "models/train/settings.h"
#include "tools/common/format.h"
#include "tools/common/interrupt.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/run_options.h"
#include "tools/common/terminal.h"
#include "tools/train/commands.h"
#include "tools/train/report.h"

namespace engine::tools {
namespace {

struct InferenceOptions {
  std::string run, data;
  std::optional<std::int64_t> count;
  RunOptions where;
  bool json = false;
};

// The run's settings, but for where it computes. Its own record of algorithms is the cache: what
// was chosen for training holds here, too.
TrainSettings settings_of(const RunFolder& folder, const InferenceOptions& options) {
  TrainSettings settings = from_config(folder.read_config());
  settings.data = options.data;
  settings.algorithm_cache = folder.algorithms_path();
  if (settings.autotune == "locked") settings.autotune = "find";
  options.where.apply(settings);
  validate(settings);
  return settings;
}

/// A run made ready to be asked.
class Inference {
 public:
  explicit Inference(const InferenceOptions& options)
      : folder_(RunFolder::open(options.run)),
        settings_(settings_of(folder_, options)),
        model_(with_settings(run_model(folder_, settings_), settings_)),
        data_(open_dataset(settings_.data, data_expectation(model_, settings_))),
        status_(true),
        runtime_(runtime_options_with_status()) {}

  /// Evaluator or Predictor, compiled and given data and parameters.
  template <class Programs>
  Programs prepare() {
    std::optional<Programs> programs;
    compile_for_data(runtime_, *data_, std::array{Part::test},
                     data_pipeline_from_name(settings_.data_pipeline), [&](bool stream) {
                       programs.emplace(runtime_, model_, *data_, Part::test,
                                        graph_options(settings_), stream);
                     });
    status_.clear();
    runtime_.allocate();
    folder_.checkpoints().load_parameters(runtime_.store(), runtime_.stream());
    programs->load(runtime_, static_cast<int>(settings_.loader_threads));
    return std::move(*programs);
  }

  Runtime& runtime() { return runtime_; }
  const ModelDefinition& model() const { return model_; }
  const Dataset& data() const { return *data_; }

 private:
  RuntimeOptions runtime_options_with_status() {
    RuntimeOptions options = runtime_options(settings_);
    options.tuner.progress = [this](const std::string& problem, const std::string& candidate,
                                    int done, int total) {
      show_tuning(status_, problem, candidate, done, total);
    };
    return options;
  }

  RunFolder folder_;
  TrainSettings settings_;
  ModelDefinition model_;
  std::unique_ptr<Dataset> data_;
  StatusLine status_;
  Runtime runtime_;
};

int evaluate(const InferenceOptions& options) {
  exit_on_interrupt();
  Inference inference(options);
  const auto evaluator = inference.prepare<Evaluator>();
  const auto start = std::chrono::steady_clock::now();
  const EvaluationResult result = evaluator.run(inference.runtime());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::int64_t count = inference.data().count(Part::test);
  if (options.json) {
    Record record;
    record.set("run", options.run).set("model", inference.model().name);
    record.set("observations", count).set("test_loss", result.loss);
    if (result.accuracy) record.set("test_accuracy", *result.accuracy);
    record.set("seconds", seconds.count());
    print_line(to_json(record));
  } else {
    print_line(scores_line(result));
    print_line(fmt::format("observations   {} in {}", with_separators(count),
                           human_seconds(seconds.count())));
  }
  return 0;
}

// What the outputs of one observation say: the most probable class under the softmax of logits, the
// probability of each sigmoid, or the numbers themselves.
void add_prediction(Record& record, Loss loss, std::span<const float> outputs) {
  if (loss == Loss::softmax_cross_entropy) {
    const auto best = std::max_element(outputs.begin(), outputs.end());
    double total = 0;
    for (float logit : outputs) total += std::exp(static_cast<double>(logit) - *best);
    record.set("class", static_cast<std::int64_t>(best - outputs.begin()));
    record.set("probability", 1 / total);
    return;
  }
  const bool sigmoid = loss == Loss::sigmoid_cross_entropy;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double value = outputs[i];
    std::string name = sigmoid ? "probability" : "output";
    if (outputs.size() > 1) name += fmt::format("_{}", i);
    record.set(name, sigmoid ? 1 / (1 + std::exp(-value)) : value);
  }
}

// "index 3  class 7  probability 0.5".
std::string to_text(const Record& record) {
  std::string line;
  for (const auto& [name, field] : record.fields()) {
    const auto* number = std::get_if<double>(&field);
    line +=
        (line.empty() ? "" : "  ") + name + " " +
        (number != nullptr ? fmt::format("{:.4f}", *number) : to_csv(Record().set(name, field)));
  }
  return line;
}

int predict(const InferenceOptions& options) {
  exit_on_interrupt();
  if (options.count && *options.count < 1)
    throw UsageError(fmt::format("--count {}: expected a number from 1 up", *options.count));
  Inference inference(options);
  const auto predictor = inference.prepare<Predictor>();
  const Dataset& data = inference.data();
  std::vector<std::uint8_t> labels;
  if (data.classes() > 0) labels = data.read_labels(Part::test);
  const std::int64_t all = data.count(Part::test);
  const std::int64_t count = std::min(options.count.value_or(all), all);
  std::int64_t index = 0;
  predictor.run(inference.runtime(), count,
                [&](std::int64_t observations, std::span<const float> out) {
                  const std::size_t width = out.size() / static_cast<std::size_t>(observations);
                  for (std::int64_t row = 0; row < observations; ++row, ++index) {
                    Record record;
                    record.set("index", index);
                    add_prediction(record, inference.model().loss,
                                   out.subspan(static_cast<std::size_t>(row) * width, width));
                    if (!labels.empty())
                      record.set("label", std::int64_t{labels[static_cast<std::size_t>(index)]});
                    print_line(options.json ? to_json(record) : to_text(record));
                  }
                });
  return 0;
}

void declare(Command& command, InferenceOptions& options) {
  command.argument("RUN", options.run, "a run's folder")
      .required_option("--data", options.data, "SOURCE", "a folder of data, or synthetic");
  options.where.declare_data(command);
  options.where.declare_device(command);
  command.flag("--json", options.json, "JSON on standard output");
}

}  // namespace

void add_evaluate(CommandLine& line) {
  static InferenceOptions options;
  declare(line.add("evaluate", "Loss and accuracy of a run on test data",
                   [] { return evaluate(options); }),
          options);
}

void add_predict(CommandLine& line) {
  static InferenceOptions options;
  Command& command = line.add("predict", "Class and probability of each test observation",
                              [] { return predict(options); });
  declare(command, options);
  command.option("--count", options.count, "N", "only the first N observations");
}

}  // namespace engine::tools
