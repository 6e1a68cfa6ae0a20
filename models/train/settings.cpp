#include "models/train/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "engine/core/error.h"

namespace engine {
namespace {

void require(bool holds, const std::string& message) {
  if (!holds) throw UsageError(message);
}

std::set<std::string> split(const std::string& text) {
  std::set<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.insert(part);
  return parts;
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
  require(s.precision == "fp32" || s.precision == "tf32",
          fmt::format("--precision {}: expected fp32 or tf32", s.precision));
  autotune_from_name(s.autotune);
}

RunConfig to_config(const TrainSettings& s) {
  RunConfig config;
  config.set("model", s.model).set("data", s.data).set("epochs", s.epochs);
  config.set("max_steps", s.max_steps).set("batch", s.batch);
  config.set("seed", static_cast<std::int64_t>(s.seed));
  config.set("optimizer", s.optimizer.name).set("learning_rate", s.optimizer.learning_rate);
  config.set("momentum", s.optimizer.momentum).set("rho", s.optimizer.rho);
  config.set("epsilon", s.optimizer.epsilon).set("device", s.device).set("threads", s.threads);
  config.set("precision", s.precision).set("deterministic", s.deterministic);
  config.set("autotune", s.autotune).set("algorithm_cache", s.algorithm_cache);
  config.set("candidates", s.candidates).set("workspace_limit", s.workspace_limit);
  config.set("memory_limit", s.memory_limit).set("checkpoint_every", s.checkpoint_every);
  config.set("passes_off", fmt::format("{}", fmt::join(s.passes_off, ",")));
  return config;
}

TrainSettings from_config(const RunConfig& config) {
  TrainSettings s;
  s.model = config.text("model");
  s.data = config.text("data");
  s.epochs = config.integer("epochs");
  s.max_steps = config.integer("max_steps");
  s.batch = config.integer("batch");
  s.seed = static_cast<std::uint64_t>(config.integer("seed"));
  s.optimizer = {config.text("optimizer"), config.real("learning_rate"), config.real("momentum"),
                 config.real("rho"), config.real("epsilon")};
  s.device = config.text("device");
  s.threads = config.integer("threads");
  s.precision = config.text("precision");
  s.deterministic = config.flag("deterministic");
  s.autotune = config.text("autotune");
  s.algorithm_cache = config.text("algorithm_cache");
  s.candidates = config.text("candidates");
  s.workspace_limit = config.integer("workspace_limit");
  s.memory_limit = config.integer("memory_limit");
  s.checkpoint_every = config.integer("checkpoint_every");
  s.passes_off = split(config.text("passes_off"));
  return s;
}

void check_resumable(const TrainSettings& started, const TrainSettings& resumed) {
  const auto same = [](const char* option, const auto& before, const auto& now) {
    if (before == now) return;
    throw UsageError(fmt::format("{} {}: the run was started with {}, and a resumed run keeps that",
                                 option, now, before));
  };
  same("MODEL", started.model, resumed.model);
  same("--batch", started.batch, resumed.batch);
  same("--seed", started.seed, resumed.seed);
  same("--optimizer", started.optimizer.name, resumed.optimizer.name);
  same("--lr", started.optimizer.learning_rate, resumed.optimizer.learning_rate);
  same("--precision", started.precision, resumed.precision);
  same("--deterministic", started.deterministic, resumed.deterministic);
  same("--no-pass", fmt::format("{}", fmt::join(started.passes_off, ",")),
       fmt::format("{}", fmt::join(resumed.passes_off, ",")));
}

ModelDefinition with_settings(ModelDefinition model, const TrainSettings& settings) {
  model.batch = settings.batch;
  model.optimizer = settings.optimizer;
  return model;
}

ModelDefinition resolve_model(const TrainSettings& settings) {
  return with_settings(find_model(settings.model), settings);
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
