// The options of a model file outside its layers, bound to the structs they end up in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/layers/options.h"
#include "models/zoo/zoo.h"

namespace engine {

/// What a model file says at its top level. The defaults are those of ModelDefinition.
struct ModelOptions {
  ModelOptions();
  explicit ModelOptions(const ModelDefinition& model);
  /// A model without layers. Throws OptionError for values out of range.
  ModelDefinition to_model() const;

  std::string name, description, loss, padding;
  std::vector<std::int64_t> input, segments;
  std::vector<double> input_mean, input_deviation;
  std::int64_t classes, batch, epochs, vocabulary;
  double input_scale, huber_delta;
  bool partial_batches;

 private:
  std::optional<TextFormat> text_format() const;
};

/// What its table [optimizer] says. The defaults are those of the optimizer that it names.
struct OptimizerOptions : OptimizerSettings {
  explicit OptimizerOptions(const OptimizerSettings& settings = {});
  /// Throws UsageError for what is out of range.
  OptimizerSettings to_settings() const;

  std::string schedule_text;
};

const OptionFields<ModelOptions>& model_fields();
const OptionFields<OptimizerOptions>& optimizer_fields();

}  // namespace engine
