#include "models/train/run_folder.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "engine/core/error.h"
#include "engine/core/file.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestConfig = 1 << 20;

std::string reason(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail_taken(const std::string& path, const char* entry) {
  throw UsageError(
      fmt::format("{}: already holds a run ({}); use --resume or another --out", path, entry));
}

void require_free(const std::string& path) {
  for (const char* entry : {"config.json", "metrics.csv", "metrics.jsonl", "algorithms.jsonl",
                            "model.toml", "training.svg", "events", "log.txt", "checkpoints"}) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(fs::path(path) / entry, error);
    if (status.type() == fs::file_type::none)
      throw FileError(fmt::format("{}: cannot be examined: {}", path, error.message()));
    if (fs::exists(status)) fail_taken(path, entry);
  }
}

}  // namespace

RunFolder RunFolder::create(const std::string& path, const RunConfig& config) {
  make_folder(path);
  require_free(path);
  RunFolder run(path);
  // Of several processes that create the same run, one gets past this.
  if (!claim_file(run.config_path())) fail_taken(path, "config.json");
  try {
    run.write_config(config);
    run.metrics().replace({});
    make_folder(path + "/checkpoints");
  } catch (...) {
    std::error_code error;  // what cannot be removed stays, and is named by the next attempt
    for (const char* entry : {"metrics.csv", "metrics.jsonl", "checkpoints", "config.json"})
      fs::remove(fs::path(path) / entry, error);
    throw;
  }
  return run;
}

void RunFolder::require_writable(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) require_free(path);
  // A new folder in the nearest one that is there, and inside it what is missing.
  fs::path place = fs::absolute(path), missing;
  for (; !fs::exists(place, error) && place.has_relative_path(); place = place.parent_path())
    missing = missing.empty() ? place.filename() : place.filename() / missing;
  std::string probe = (place / ".engine-XXXXXX").native();
  if (::mkdtemp(probe.data()) == nullptr)
    throw FileError(fmt::format("{}: cannot be made: {}", path, reason(errno)));
  fs::create_directories(probe / missing, error);
  std::error_code ignored;  // it is empty, whoever may see it
  fs::remove_all(probe, ignored);
  if (error) throw FileError(fmt::format("{}: cannot be made: {}", path, error.message()));
}

RunFolder RunFolder::create_numbered(const std::string& parent, const std::string& model,
                                     const RunConfig& config) {
  if (model.empty() || model.find('/') != std::string::npos)
    throw UsageError(fmt::format("model name '{}' cannot name a run folder", model));
  make_folder(parent);
  for (int number = 1;; ++number) {
    const std::string path = fmt::format("{}/{}-{}", parent, model, number);
    if (::mkdir(path.c_str(), 0777) == 0) return create(path, config);
    if (errno != EEXIST)
      throw FileError(fmt::format("{}: cannot be made: {}", path, reason(errno)));
  }
}

RunFolder RunFolder::open(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) throw DataError(fmt::format("{}: no such run folder", path));
  RunFolder run(path);
  if (!fs::is_regular_file(run.config_path(), error))
    throw DataError(fmt::format("{}: is no run folder: it has no config.json", path));
  return run;
}

RunConfig RunFolder::read_config() const {
  return RunConfig::from_json(read_file(config_path(), kLargestConfig), config_path());
}

void RunFolder::write_config(const RunConfig& config) const {
  replace_file(config_path(), [text = config.to_json()](FileWriter& file) { file.write(text); });
}

MetricsLog RunFolder::metrics() const {
  return MetricsLog(path_ + "/metrics.csv", path_ + "/metrics.jsonl");
}

}  // namespace engine
