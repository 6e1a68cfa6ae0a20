#include "models/train/training_setup.h"

#include <fmt/format.h>

#include <optional>

#include "engine/core/error.h"
#include "engine/core/file.h"
#include "engine/core/log.h"
#include "engine/device/cpu/parallel.h"
#include "models/data/length_buckets.h"
#include "models/file/model_file.h"

namespace engine {
namespace {

// A run that is limited by steps may be resumed, one without an update was meant otherwise.
void require_an_update(const OptimizerSettings& optimizer, std::int64_t max_steps) {
  const auto [steps_per_epoch, epochs] = optimizer.length;
  if (optimizer.accumulate > epochs * steps_per_epoch)
    throw UsageError(fmt::format(
        "--accumulate {}: training has {} steps ({} epochs of {}), so nothing would be learned; "
        "expected at most as many",
        optimizer.accumulate, epochs * steps_per_epoch, epochs, steps_per_epoch));
  if (max_steps > 0 && optimizer.accumulate > max_steps)
    log::warning(fmt::format(
        "--accumulate {}: the first update comes after --steps {}; nothing is learned before it",
        optimizer.accumulate, max_steps));
}

}  // namespace

void require_as_many(const Metadata& metadata, const Dataset& data) {
  const auto observations = metadata.find(kObservations);
  const std::string present = std::to_string(data.count(Part::train));
  if (observations != metadata.end() && observations->second != present)
    throw DataError(fmt::format("{}: {} training observations, the run was started with {}",
                                data.description(), present, observations->second));
}

std::unique_ptr<Dataset> prepare_data(std::unique_ptr<Dataset> data, const ModelDefinition& model,
                                      const TrainSettings& settings, const RunPlace& place) {
  if (settings.validation_split > 0)
    data = split_validation(std::move(data), settings.validation_split);
  if (!place.resume.empty())
    if (const auto metadata = RunFolder::open(place.resume).checkpoints().last_metadata())
      require_as_many(*metadata, *data);
  if (settings.buckets > 0)
    data = bucket_by_length(std::move(data), model.text, settings.buckets, settings.batch);
  return data;
}

ModelDefinition model_for_run(const ModelDefinition& model, const Dataset& data,
                              const TrainSettings& settings) {
  ModelDefinition resolved = with_settings(model, settings);
  const Feed feed = make_feed(data, Part::train, resolved.batch, true, resolved.partial_batches);
  resolved.optimizer.length = {feed.steps_per_epoch(), settings.epochs};
  require_an_update(resolved.optimizer, settings.max_steps);
  return resolved;
}

DataPipeline wanted_pipeline(const TrainSettings& settings, const Dataset& data) {
  if (!settings.random_crop) return data_pipeline_from_name(settings.data_pipeline);
  if (!data.crops_at_random())
    throw UsageError(
        fmt::format("--random-crop: found {}, expected a folder of images by class, which are cut "
                    "as they are read; a layer of type 'augment' shifts the images of any data",
                    data.description()));
  return DataPipeline::stream;  // images that are cut anew in every epoch have to be read anew
}

RuntimeOptions options_for(const TrainSettings& settings, const RunPlace& place,
                           Callback& callback) {
  RuntimeOptions options = runtime_options(settings);
  if (!place.resume.empty() && options.tuner.mode != Autotune::off) {
    options.tuner.mode = Autotune::locked;
    options.algorithm_cache = RunFolder::open(place.resume).algorithms_path();
  }
  options.tuner.progress = [&callback](const std::string& problem, const std::string& candidate,
                                       int done, int total) {
    callback.on_tuning(problem, candidate, done, total);
  };
  return options;
}

RunFolder make_folder(const TrainSettings& settings, const RunPlace& place,
                      const ModelDefinition& model, const Device& device) {
  if (!place.resume.empty()) {
    // What may differ from the start (epochs, data) is what the next resume goes by.
    RunFolder folder = RunFolder::open(place.resume);
    folder.write_config(to_config(settings));
    return folder;
  }
  TrainSettings resolved = settings;
  resolved.device = device.name();
  if (device.backend() == "cpu") resolved.threads = cpu::threads();
  const RunConfig config = to_config(resolved);
  RunFolder folder = place.out.empty() ? RunFolder::create_numbered("runs", model.name, config)
                                       : RunFolder::create(place.out, config);
  // So that the run needs no model file from elsewhere.
  if (const std::optional<std::string> text = describe_model(model))
    replace_file(folder.model_path(), [&](FileWriter& file) { file.write(*text); });
  return folder;
}

}  // namespace engine
