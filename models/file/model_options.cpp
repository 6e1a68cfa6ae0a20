#include "models/file/model_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/train/input_normalization.h"

namespace engine {
namespace {

constexpr std::int64_t kMostClasses = 65536;
constexpr std::int64_t kMostElements = std::int64_t{1} << 31;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;
constexpr std::int64_t kMostBatch = std::int64_t{1} << 20;
constexpr std::int64_t kMostEpochs = 1'000'000;

void require_range(const char* option, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most)
    throw OptionError(option, value, fmt::format("{} to {}", least, most));
}

// The name becomes a folder's.
void require_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '/' && c != 0x7F;
  });
  if (name.empty() || name.front() == '.' || name.size() > 100 || !plain)
    throw OptionError("name", name, "1 to 100 characters without spaces or '/'");
}

Shape input_shape(const std::vector<std::int64_t>& extents) {
  const char* const expected = "extents of 1 or more";
  if (extents.empty() ||
      std::any_of(extents.begin(), extents.end(), [](std::int64_t extent) { return extent < 1; }))
    throw OptionError("input", extents, expected);
  constexpr int kMostAxes = Shape::kMaxRank - 1;  // the batch is one more
  double elements = 1;
  for (std::int64_t extent : extents) elements *= static_cast<double>(extent);
  if (extents.size() > kMostAxes || elements > static_cast<double>(kMostElements))
    throw OptionError(
        "input", extents,
        fmt::format("{} up to {} axes and {} elements", expected, kMostAxes, kMostElements));
  return Shape(extents);
}

void require_delta(Loss loss, double delta) {
  if (loss != Loss::huber_loss && delta != 1)
    throw OptionError("huber_delta", delta,
                      fmt::format("none beside the loss {}", loss_name(loss)));
  using Limits = std::numeric_limits<float>;
  if (!(delta >= Limits::min() && delta <= Limits::max()))
    throw OptionError("huber_delta", delta, "a positive finite number");
}

}  // namespace

ModelOptions::ModelOptions() : ModelOptions(ModelDefinition{{}, {}, Network()}) {}

ModelOptions::ModelOptions(const ModelDefinition& model)
    : name(model.name),
      description(model.description),
      loss(loss_name(model.loss)),
      input(model.network.input().extents().begin(), model.network.input().extents().end()),
      input_mean(model.input_mean),
      input_deviation(model.input_deviation),
      classes(model.classes),
      batch(model.batch),
      epochs(model.epochs),
      input_scale(model.input_scale),
      huber_delta(model.huber_delta),
      partial_batches(model.partial_batches) {
  const TextFormat text = model.text.value_or(TextFormat{});
  padding = padding_name(text.padding);
  segments = text.segments;
  vocabulary = text.vocabulary;
}

ModelDefinition ModelOptions::to_model() const {
  require_name(name);
  require_range("classes", classes, 1, kMostClasses);
  require_range("batch", batch, 1, kMostBatch);
  require_range("epochs", epochs, 0, kMostEpochs);
  if (!std::isfinite(input_scale) || input_scale == 0)
    throw OptionError("input_scale", input_scale, "a finite number other than 0");
  const std::vector<std::string> losses = loss_names();
  if (std::find(losses.begin(), losses.end(), loss) == losses.end())
    throw OptionError("loss", loss, fmt::format("one of: {}", fmt::join(losses, ", ")));
  ModelDefinition model{name, description,
                        Network(input_shape(input), vocabulary > 0 ? DType::i32 : DType::f32)};
  model.loss = loss_from_name(loss);
  require_delta(model.loss, huber_delta);
  model.huber_delta = huber_delta;
  model.input_scale = input_scale;
  model.input_mean = input_mean;
  model.input_deviation = input_deviation;
  input_normalization(model, DType::u8);  // throws for numbers that do not fit the input
  model.classes = static_cast<int>(classes);
  model.batch = batch;
  model.epochs = static_cast<int>(epochs);
  model.partial_batches = partial_batches;
  model.text = text_format();
  return model;
}

std::optional<TextFormat> ModelOptions::text_format() const {
  require_range("vocabulary", vocabulary, 0, kMostTokens);
  if (padding != "left" && padding != "right")
    throw OptionError("padding", padding, "left or right");
  if (vocabulary == 0) {
    if (!segments.empty()) throw OptionError("segments", segments, "a vocabulary beside them");
    return std::nullopt;
  }
  if (input.size() != 1) throw OptionError("input", input, "a number of tokens: one axis");
  TextFormat text{vocabulary, segments.empty() ? input : segments, padding_from_name(padding)};
  for (std::int64_t segment : text.segments) require_range("segments", segment, 1, input[0]);
  if (text.length() != input[0])
    throw OptionError("segments", segments, fmt::format("{} tokens together, the input", input[0]));
  return text;
}

OptimizerOptions::OptimizerOptions(const OptimizerSettings& settings)
    : OptimizerSettings(settings), schedule_text(to_string(settings.schedule)) {}

OptimizerSettings OptimizerOptions::to_settings() const {
  OptimizerSettings settings = *this;
  settings.schedule = parse_schedule(schedule_text);
  validate(settings);
  return settings;
}

const OptionFields<ModelOptions>& model_fields() {
  static const OptionFields<ModelOptions> fields{
      {"name", &ModelOptions::name, "names the run's folder; default: that of the file"},
      {"description", &ModelOptions::description, "a line for people"},
      {"input", &ModelOptions::input, "shape of one observation", true},
      {"input_scale", &ModelOptions::input_scale, "bytes are multiplied by this; numbers are not"},
      {"input_mean", &ModelOptions::input_mean,
       "subtracted from what is scaled: one number, or one for each channel; none: 0"},
      {"input_deviation", &ModelOptions::input_deviation,
       "the difference is divided by it: likewise; none: 1"},
      {"vocabulary", &ModelOptions::vocabulary, "observations are tokens below it; 0: numbers"},
      {"segments", &ModelOptions::segments,
       "how many of the tokens are of each text; default: all"},
      {"padding", &ModelOptions::padding, "the side on which short texts are filled up with 0"},
      {"classes", &ModelOptions::classes, "of the labels"},
      {"loss", &ModelOptions::loss, "what training minimizes"},
      {"huber_delta", &ModelOptions::huber_delta,
       "of huber_loss: from where on errors count linearly"},
      {"batch", &ModelOptions::batch, "observations a step"},
      {"epochs", &ModelOptions::epochs, "how long to train"},
      {"partial_batches", &ModelOptions::partial_batches,
       "whether the smaller last batch of an epoch is trained"}};
  return fields;
}

const OptionFields<OptimizerOptions>& optimizer_fields() {
  using Options = OptimizerOptions;
  static const OptionFields<OptimizerOptions> fields{
      {"name", &Options::name, "which optimizer"},
      {"learning_rate", &Options::learning_rate, "the size of a step"},
      {"schedule", &Options::schedule_text, "of the learning rate"},
      {"momentum", &Options::momentum, "sgd"},
      {"nesterov", &Options::nesterov, "sgd with momentum"},
      {"rho", &Options::rho, "rmsprop, adadelta: decay of running means"},
      {"beta1", &Options::beta1, "adam, adamw"},
      {"beta2", &Options::beta2, "adam, adamw"},
      {"epsilon", &Options::epsilon, "added to denominators"},
      {"weight_decay", &Options::weight_decay, "added to the gradient; adamw: apart from it"},
      {"clip_norm", &Options::clip_norm, "largest norm of all gradients together; 0: any"},
      {"clip_value", &Options::clip_value, "largest element of a gradient; 0: any"},
      {"accumulate", &Options::accumulate, "steps whose gradients make one update"}};
  return fields;
}

}  // namespace engine
