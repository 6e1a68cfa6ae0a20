// The folder that holds all of a run: config.json, metrics.csv, metrics.jsonl, algorithms.jsonl
// (the kernels that were chosen), model.toml, training.svg, events/ (for TensorBoard), log.txt and
// checkpoints/. The configuration is what makes a
// folder a run.
#pragma once

#include <string>

#include "models/train/checkpoint.h"
#include "models/train/metrics_log.h"
#include "models/train/run_config.h"

namespace engine {

class RunFolder {
 public:
  /// Makes a run at `path`, creating folders as needed. Throws UsageError when the folder holds any
  /// file of a run already, FileError; files are then taken back, so that it can be tried again.
  static RunFolder create(const std::string& path, const RunConfig& config);
  /// Throws what create() would throw for this path, as far as that can be known without making
  /// anything: the folder holds a run, or nothing can be made there.
  static void require_writable(const std::string& path);
  /// Makes a run at `parent`/`model`-N with the first N from 1 on that is free.
  static RunFolder create_numbered(const std::string& parent, const std::string& model,
                                   const RunConfig& config);
  /// Opens a run; throws DataError when the folder is missing or has no configuration.
  static RunFolder open(const std::string& path);

  const std::string& path() const { return path_; }
  /// Throws DataError naming the file and the key.
  RunConfig read_config() const;
  void write_config(const RunConfig& config) const;

  MetricsLog metrics() const;
  /// The last two checkpoints.
  CheckpointPair checkpoints() const { return CheckpointPair(path_ + "/checkpoints"); }
  std::string best_checkpoint_path() const { return path_ + "/checkpoints/best.safetensors"; }
  std::string algorithms_path() const { return path_ + "/algorithms.jsonl"; }
  /// The model as a model file, where it can be one.
  std::string model_path() const { return path_ + "/model.toml"; }
  std::string plot_path() const { return path_ + "/training.svg"; }
  std::string events_path() const { return path_ + "/events"; }
  std::string log_path() const { return path_ + "/log.txt"; }

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  std::string config_path() const { return path_ + "/config.json"; }

  std::string path_;
};

}  // namespace engine
