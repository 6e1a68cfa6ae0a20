// What a training run is made of before its first step: data, model, runtime and folder, as its
// settings and the run that it resumes have them.
#pragma once

#include <memory>

#include "models/train/batch_feed.h"
#include "models/train/callback.h"
#include "models/train/checkpoint.h"
#include "models/train/run_folder.h"
#include "models/train/settings.h"
#include "models/train/trainer.h"

namespace engine {

/// The entry of a checkpoint's metadata that says how many observations it was trained on.
inline constexpr const char* kObservations = "observations";

/// Throws DataError unless the data have as many training observations as the run was started with.
void require_as_many(const Metadata& metadata, const Dataset& data);

/// `data` with its validation part cut off, and texts in buckets of their lengths. Data of another
/// size than those of a run to resume are turned down before kernels are looked for that the run
/// cannot have.
std::unique_ptr<Dataset> prepare_data(std::unique_ptr<Dataset> data, const ModelDefinition& model,
                                      const TrainSettings& settings, const RunPlace& place);

/// The model as the settings have it, its schedule measured by the data. Throws UsageError where
/// training would end before its first update.
ModelDefinition model_for_run(const ModelDefinition& model, const Dataset& data,
                              const TrainSettings& settings);

/// Where the data are to lie. Throws UsageError for random crops of data that have none.
DataPipeline wanted_pipeline(const TrainSettings& settings, const Dataset& data);

/// A resumed run launches the kernels it was started with: noise must not change its result.
RuntimeOptions options_for(const TrainSettings& settings, const RunPlace& place,
                           Callback& callback);

/// The run's folder, with its configuration and, in a new one, its model.
RunFolder make_folder(const TrainSettings& settings, const RunPlace& place,
                      const ModelDefinition& model, const Device& device);

}  // namespace engine
