// engine-train predict: what a run says of test data, or its features: what a layer makes of them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/core/error.h"
#include "tools/common/interrupt.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/train/commands.h"
#include "tools/train/inference.h"

namespace engine::tools {
namespace {

// What the outputs of one observation say: the most probable class under the softmax of logits, the
// probability of each sigmoid, or the numbers themselves.
void add_prediction(Record& record, Loss loss, std::span<const float> outputs,
                    const std::vector<std::string>& class_names) {
  if (loss == Loss::softmax_cross_entropy) {
    const auto best = std::max_element(outputs.begin(), outputs.end());
    double total = 0;
    for (float logit : outputs) total += std::exp(static_cast<double>(logit) - *best);
    const auto label = static_cast<std::size_t>(best - outputs.begin());
    record.set("class", static_cast<std::int64_t>(label));
    if (label < class_names.size()) record.set("class_name", class_names[label]);
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

// Where a classifier begins: the layer before the last one with parameters.
std::string feature_layer(const Network& network) {
  const std::vector<LayerSummary> layers = summarize(network);
  const auto last = std::find_if(layers.rbegin(), layers.rend(),
                                 [](const LayerSummary& layer) { return layer.parameters > 0; });
  if (last == layers.rend() || std::next(last) == layers.rend())
    throw UsageError("--features: the network has no layer before its classifier; name another");
  return std::next(last)->name;
}

std::string number(float value, const char* not_finite) {
  return std::isfinite(value) ? fmt::format("{}", value) : not_finite;
}

// Observations' features as CSV, or as JSON objects: {"index":0,"features":[0.5,…],"label":7}.
class FeatureLines {
 public:
  FeatureLines(bool json, bool labelled) : json_(json), labelled_(labelled) {}

  std::string header(std::size_t width) const {
    std::string line = labelled_ ? "index,label" : "index";
    for (std::size_t i = 0; i < width; ++i) line += fmt::format(",feature_{}", i);
    return line;
  }

  std::string line(std::int64_t index, int label, std::span<const float> features) const {
    std::string numbers;
    for (float value : features)
      numbers += (numbers.empty() ? "" : ",") + number(value, json_ ? "null" : "");
    if (!json_)
      return labelled_ ? fmt::format("{},{},{}", index, label, numbers)
                       : fmt::format("{},{}", index, numbers);
    return fmt::format("{{\"index\":{},\"features\":[{}]{}}}", index, numbers,
                       labelled_ ? fmt::format(",\"label\":{}", label) : "");
  }

 private:
  bool json_, labelled_;
};

struct PredictOptions : InferenceOptions {
  std::optional<std::int64_t> count;
  std::optional<std::string> features;  ///< a layer, or empty for the one before the classifier
};

using RowSink = std::function<void(std::int64_t, std::span<const float>)>;

// Hands on the outputs of each of the first `count` observations.
void for_each_row(Inference& inference, std::optional<std::int64_t> count, const RowSink& sink) {
  const auto predictor = inference.prepare<Predictor>();
  const std::int64_t all = inference.data().count(Part::test);
  std::int64_t index = 0;
  predictor.run(inference.runtime(), std::min(count.value_or(all), all),
                [&](std::int64_t observations, std::span<const float> outputs) {
                  const std::size_t width = outputs.size() / static_cast<std::size_t>(observations);
                  for (std::size_t first = 0; first < outputs.size(); first += width)
                    sink(index++, outputs.subspan(first, width));
                });
}

void print_features(const PredictOptions& options, Inference& inference,
                    const std::vector<std::uint8_t>& labels) {
  inference.cut_after(options.features->empty() ? feature_layer(inference.model().network)
                                                : *options.features);
  const FeatureLines lines(options.json, !labels.empty());
  for_each_row(inference, options.count, [&](std::int64_t index, std::span<const float> features) {
    if (index == 0 && !options.json) print_line(lines.header(features.size()));
    const int label = labels.empty() ? 0 : labels[static_cast<std::size_t>(index)];
    print_line(lines.line(index, label, features));
  });
}

void print_predictions(const PredictOptions& options, Inference& inference,
                       const std::vector<std::uint8_t>& labels) {
  const std::vector<std::string> names = inference.data().class_names();
  for_each_row(inference, options.count, [&](std::int64_t index, std::span<const float> outputs) {
    Record record;
    record.set("index", index);
    add_prediction(record, inference.model().loss, outputs, names);
    if (!labels.empty()) {
      const std::uint8_t label = labels[static_cast<std::size_t>(index)];
      record.set("label", std::int64_t{label});
      if (label < names.size()) record.set("label_name", names[label]);
    }
    print_line(options.json ? to_json(record) : to_text(record));
  });
}

// Of the test part, as far as it has any, in the order that the data had.
std::vector<std::uint8_t> labels_of(const Dataset& data) {
  if (data.classes() == 0) return {};
  const std::vector<std::uint8_t> labels = data.read_labels(Part::test);
  std::vector<std::uint8_t> in_order = labels;
  const std::span<const std::int64_t> places = data.places(Part::test);
  for (std::size_t i = 0; i < places.size(); ++i)
    in_order[static_cast<std::size_t>(places[i])] = labels[i];
  return in_order;
}

int predict(const PredictOptions& options) {
  exit_on_interrupt();
  if (options.count && *options.count < 1)
    throw UsageError(fmt::format("--count {}: expected a number from 1 up", *options.count));
  Inference inference(options);
  const std::vector<std::uint8_t> labels = labels_of(inference.data());
  options.features ? print_features(options, inference, labels)
                   : print_predictions(options, inference, labels);
  return 0;
}

}  // namespace

void add_predict(CommandLine& line) {
  static PredictOptions options;
  Command& command =
      line.add("predict", "Class and probability of each test observation, or its features",
               [] { return predict(options); });
  options.declare(command);
  command.option("--count", options.count, "N", "only the first N observations")
      .option_with_or_without("--features", options.features, "[LAYER]",
                              "instead the activations of a layer, as CSV or JSON (default: of the "
                              "one before the classifier)");
}

}  // namespace engine::tools
