#include "models/train/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <sstream>

#include "engine/core/error.h"
#include "models/file/model_file.h"
#include "models/train/batch_feed.h"

namespace engine {
namespace {

constexpr std::int64_t kMostBuckets = 16;

void require(bool holds, const std::string& message) {
  if (!holds) throw UsageError(message);
}

std::set<std::string> split(const std::string& text) {
  std::set<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.insert(part);
  return parts;
}

// Whether a resumed run may differ in a field: what its result depends on is fixed.
enum class Resume { may_differ, fixed };

// Calls visit(option, key, field, resume) for every field that a configuration holds: the one list
// of them. `option` is what the command line calls it.
template <class Settings, class Visit>
void for_each_field(Settings& s, const Visit& visit) {
  using enum Resume;
  auto& o = s.optimizer;
  visit("MODEL", "model", s.model, fixed);
  visit("--data", "data", s.data, may_differ);
  visit("--task", "task", s.task, fixed);
  visit("--epochs", "epochs", s.epochs, may_differ);
  visit("--steps", "max_steps", s.max_steps, may_differ);
  visit("--batch", "batch", s.batch, fixed);
  visit("--seed", "seed", s.seed, fixed);
  visit("--buckets", "buckets", s.buckets, fixed);
  visit("--validation-split", "validation_split", s.validation_split, fixed);
  visit("--patience", "patience", s.patience, may_differ);
  visit("--optimizer", "optimizer", o.name, fixed);
  visit("--lr", "learning_rate", o.learning_rate, fixed);
  visit("--momentum", "momentum", o.momentum, fixed);
  visit("--nesterov", "nesterov", o.nesterov, fixed);
  visit("--rho", "rho", o.rho, fixed);
  visit("--beta1", "beta1", o.beta1, fixed);
  visit("--beta2", "beta2", o.beta2, fixed);
  visit("--epsilon", "epsilon", o.epsilon, fixed);
  visit("--weight-decay", "weight_decay", o.weight_decay, fixed);
  visit("--clip-norm", "clip_norm", o.clip_norm, fixed);
  visit("--clip-value", "clip_value", o.clip_value, fixed);
  visit("--accumulate", "accumulate", o.accumulate, fixed);
  visit("--schedule", "schedule", o.schedule, fixed);
  visit("--skip-bad-steps", "skip_bad_steps", s.skip_bad_steps, fixed);
  visit("--reject-broken-images", "reject_broken_images", s.reject_broken_images, may_differ);
  visit("--data-pipeline", "data_pipeline", s.data_pipeline, may_differ);
  visit("--loader-threads", "loader_threads", s.loader_threads, may_differ);
  visit("--random-crop", "random_crop", s.random_crop, fixed);
  visit("--device", "device", s.device, may_differ);
  visit("--threads", "threads", s.threads, may_differ);
  visit("--precision", "precision", s.precision, fixed);
  visit("--deterministic", "deterministic", s.deterministic, fixed);
  visit("--autotune", "autotune", s.autotune, may_differ);
  visit("--algorithm-cache", "algorithm_cache", s.algorithm_cache, may_differ);
  visit("--candidates", "candidates", s.candidates, may_differ);
  visit("--workspace-limit", "workspace_limit", s.workspace_limit, may_differ);
  visit("--memory-limit", "memory_limit", s.memory_limit, may_differ);
  visit("--checkpoint-every", "checkpoint_every", s.checkpoint_every, may_differ);
  visit("--no-pass", "passes_off", s.passes_off, fixed);
}

ConfigValue to_value(const std::string& text) {
  return text;
}
ConfigValue to_value(std::int64_t number) {
  return number;
}
ConfigValue to_value(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}
ConfigValue to_value(double number) {
  return number;
}
ConfigValue to_value(bool flag) {
  return flag;
}
ConfigValue to_value(const ScheduleSettings& schedule) {
  return to_string(schedule);
}
ConfigValue to_value(const std::set<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ","));
}

void read(const RunConfig& config, const char* key, std::string& text) {
  text = config.text(key);
}
void read(const RunConfig& config, const char* key, std::int64_t& number) {
  number = config.integer(key);
}
void read(const RunConfig& config, const char* key, std::uint64_t& number) {
  number = static_cast<std::uint64_t>(config.integer(key));
}
void read(const RunConfig& config, const char* key, double& number) {
  number = config.real(key);
}
void read(const RunConfig& config, const char* key, bool& flag) {
  flag = config.flag(key);
}
void read(const RunConfig& config, const char* key, ScheduleSettings& schedule) {
  schedule = parse_schedule(config.text(key));
}
void read(const RunConfig& config, const char* key, std::set<std::string>& names) {
  names = split(config.text(key));
}

std::string print(const ConfigValue& value) {
  return std::visit([](const auto& plain) { return fmt::format("{}", plain); }, value);
}

}  // namespace

TrainSettings default_settings(const ModelDefinition& model) {
  TrainSettings settings;
  settings.model = model.name;
  settings.epochs = model.epochs;
  settings.batch = model.batch;
  settings.optimizer = model.optimizer;
  return settings;
}

TrainSettings default_settings(const std::string& model) {
  TrainSettings settings = default_settings(find_model(model));
  settings.model = model;
  return settings;
}

void validate(const TrainSettings& s) {
  require(s.epochs >= 0, fmt::format("--epochs {}: expected a number from 0 up", s.epochs));
  require(s.max_steps >= 0, fmt::format("--steps {}: expected a number from 0 up", s.max_steps));
  require(s.batch >= 1 && s.batch <= (1 << 20),
          fmt::format("--batch {}: expected a number from 1 to {}", s.batch, 1 << 20));
  require(s.threads >= 0 && s.threads <= 1024,
          fmt::format("--threads {}: expected a number from 0 to 1024", s.threads));
  require(s.workspace_limit >= 0,
          fmt::format("--workspace-limit {}: expected bytes", s.workspace_limit));
  require(s.memory_limit >= 0, fmt::format("--memory-limit {}: expected bytes", s.memory_limit));
  require(s.checkpoint_every >= 0,
          fmt::format("--checkpoint-every {}: expected steps", s.checkpoint_every));
  require(s.patience >= 0, fmt::format("--patience {}: expected a number of epochs", s.patience));
  require(s.validation_split >= 0 && s.validation_split < 1,
          fmt::format("--validation-split {}: expected a fraction from 0 to below 1",
                      s.validation_split));
  require(
      s.buckets >= 0 && s.buckets <= kMostBuckets,
      fmt::format("--buckets {}: expected a number from 0 (off) to {}, each of which is compiled "
                  "and tuned on its own",
                  s.buckets, kMostBuckets));
  require(data_pipeline_from_name(s.data_pipeline) != DataPipeline::stream || s.buckets == 0,
          "--buckets: texts in buckets are resident, expected --data-pipeline auto or resident");
  require(s.loader_threads >= 0 && s.loader_threads <= 1024,
          fmt::format("--loader-threads {}: expected a number from 0 to 1024", s.loader_threads));
  require(data_pipeline_from_name(s.data_pipeline) != DataPipeline::resident || !s.random_crop,
          "--random-crop: cuts each image anew in every epoch, so data cannot be resident");
  validate(s.optimizer);
  require(s.precision == "fp32" || s.precision == "tf32" || s.precision == "bf16",
          fmt::format("--precision {}: expected fp32, tf32 or bf16", s.precision));
  autotune_from_name(s.autotune);
}

RunConfig to_config(const TrainSettings& settings) {
  RunConfig config;
  for_each_field(settings, [&](const char*, const char* key, const auto& field, Resume) {
    config.set(key, to_value(field));
  });
  return config;
}

TrainSettings from_config(const RunConfig& config) {
  TrainSettings settings;
  for_each_field(settings, [&](const char*, const char* key, auto& field, Resume) {
    read(config, key, field);
  });
  return settings;
}

void check_resumable(const TrainSettings& started, const TrainSettings& resumed) {
  const RunConfig before = to_config(started);
  for_each_field(
      resumed, [&](const char* option, const char* key, const auto& field, Resume resume) {
        const ConfigValue now = to_value(field);
        if (resume == Resume::fixed && now != before.value(key))
          throw UsageError(
              fmt::format("{} {}: the run was started with {}, and a resumed run keeps that",
                          option, print(now), print(before.value(key))));
      });
}

ModelDefinition with_settings(ModelDefinition model, const TrainSettings& settings) {
  model.batch = settings.batch;
  model.optimizer = settings.optimizer;
  return model;
}

ModelDefinition run_model(const RunFolder& folder, const TrainSettings& settings) {
  if (std::filesystem::exists(folder.model_path())) return load_model_file(folder.model_path());
  return find_model(settings.model);
}

ModelDefinition for_data(ModelDefinition model, const std::string& data, const std::string& task) {
  if (!model.make_network) return model;
  std::optional<DatasetNature> nature = nature_of_dataset(data, task);
  // Of images for tokens, or the reverse, open_dataset() says what is wrong.
  if (!nature || nature->text.has_value() != model.text.has_value()) return model;
  const bool any_size = nature->observation.rank() == 0;
  if (any_size) {
    nature->observation = model.network.input();
    nature->text = model.text;
  }
  model.classes = nature->classes;
  model.text = nature->text;
  model.network = model.make_network(*nature);
  return model;
}

ModelDefinition resolve_model(const TrainSettings& settings) {
  return with_settings(find_model(settings.model), settings);
}

DatasetExpectation data_expectation(const ModelDefinition& model, const TrainSettings& settings) {
  return {.observation = model.network.input(),
          .classes = model.classes,
          .text = model.text,
          .reject_broken_images = settings.reject_broken_images,
          .random_crop = settings.random_crop};
}

GraphOptions graph_options(const TrainSettings& settings) {
  GraphOptions options;
  options.seed = settings.seed;
  options.passes_off = settings.passes_off;
  options.skip_bad_steps = settings.skip_bad_steps;
  if (settings.precision == "bf16") options.activations = DType::bf16;
  return options;
}

RuntimeOptions runtime_options(const TrainSettings& settings) {
  RuntimeOptions options;
  options.device = settings.device;
  options.threads = static_cast<int>(settings.threads);
  options.algorithm_cache = settings.algorithm_cache;
  options.memory_limit = static_cast<std::uint64_t>(settings.memory_limit);
  options.tuner.mode = autotune_from_name(settings.autotune);
  options.tuner.candidates = settings.candidates;
  if (settings.workspace_limit > 0)
    options.tuner.workspace_limit = static_cast<std::size_t>(settings.workspace_limit);
  options.compile.passes_off = settings.passes_off;
  options.compile.math = settings.precision == "tf32" ? Math::tf32 : Math::strict;
  options.compile.deterministic = settings.deterministic;
  return options;
}

}  // namespace engine
