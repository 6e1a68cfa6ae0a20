// Everything that determines a training run, resolved: what the command line, a model's defaults
// and, for a resumed run, its folder add up to.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "models/train/run_config.h"
#include "models/train/run_folder.h"
#include "models/train/runtime.h"
#include "models/train/step_graphs.h"
#include "models/zoo/zoo.h"

namespace engine {

struct TrainSettings {
  std::string model;
  std::string data;
  std::string task;            ///< of the data, where they hold several: "qa2"; empty: they do not
  std::int64_t epochs = 1;     ///< counted from the start of training, also when resumed
  std::int64_t max_steps = 0;  ///< stop after so many steps from the start; 0: no limit
  std::int64_t batch = 1;
  std::uint64_t seed = 0;
  std::int64_t buckets = 0;     ///< of texts by their lengths, at most; 0: all are padded alike
  double validation_split = 0;  ///< part of the training observations kept for validation; 0: none
  std::int64_t patience = 0;    ///< epochs without a lower validation loss to stop after; 0: never
  OptimizerSettings optimizer;
  bool skip_bad_steps = false;  ///< go on where a step is not finite, instead of stopping
  bool reject_broken_images =
      false;  ///< stop where an image cannot be decoded; else it is left out
  std::string data_pipeline =
      "auto";                       ///< where data lie while they are trained on, see DataPipeline
  std::int64_t loader_threads = 0;  ///< of a stream; 0: one a core
  bool random_crop = false;         ///< images are enlarged, and cut to the model's input at random
  std::string device = "auto";
  std::int64_t threads = 0;
  std::string precision = "fp32";
  bool deterministic = false;
  std::string autotune = "find";
  std::string algorithm_cache;
  std::string candidates;
  std::int64_t workspace_limit = 0;   ///< bytes; 0: none
  std::int64_t memory_limit = 0;      ///< bytes; 0: none
  std::int64_t checkpoint_every = 0;  ///< steps between checkpoints inside an epoch; 0: none
  std::set<std::string> passes_off;
};

/// A model's published settings.
TrainSettings default_settings(const ModelDefinition& model);
/// The same for what find_model() takes, which is how the settings then name the model.
TrainSettings default_settings(const std::string& model);
/// Throws UsageError naming the option and what it takes.
void validate(const TrainSettings& settings);

RunConfig to_config(const TrainSettings& settings);
/// Throws DataError naming a key that is missing or of another type.
TrainSettings from_config(const RunConfig& config);

/// Throws UsageError naming the first option in which a resumed run would differ from the one that
/// was started: model, batch, seed, optimizer, precision, rewrites and what else the result depends
/// on.
void check_resumable(const TrainSettings& started, const TrainSettings& resumed);

/// `model` with the settings' batch and optimizer.
ModelDefinition with_settings(ModelDefinition model, const TrainSettings& settings);
/// The model of a run: its own description of it, or, where it could not be described, the one that
/// its settings name.
ModelDefinition run_model(const RunFolder& folder, const TrainSettings& settings);
/// `model` for the observations and classes of the data, where it can be made for any. `task` as
/// for open_dataset().
ModelDefinition for_data(ModelDefinition model, const std::string& data,
                         const std::string& task = {});
/// with_settings() of the model that the settings name.
ModelDefinition resolve_model(const TrainSettings& settings);
/// What `model` asks of its data.
DatasetExpectation data_expectation(const ModelDefinition& model, const TrainSettings& settings);
GraphOptions graph_options(const TrainSettings& settings);
RuntimeOptions runtime_options(const TrainSettings& settings);

}  // namespace engine
