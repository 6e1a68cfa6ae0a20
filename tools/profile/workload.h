// The training step of a model, compiled for a device over synthetic data: what is profiled.
#pragma once

#include <optional>
#include <string>

#include "models/train/evaluator.h"
#include "models/train/settings.h"
#include "tools/common/run_options.h"
#include "tools/common/terminal.h"

namespace engine::tools {

enum class Format { table, json, csv };

struct WorkloadOptions {
  std::string model;
  RunOptions run;
  std::optional<std::string> format_name;
  bool json = false;

  void declare(Command& command);
  /// Throws UsageError for an unknown --format.
  Format format() const;
};

class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  const ModelDefinition& model() const { return model_; }
  Runtime& runtime() { return runtime_; }
  std::size_t program_index() const { return training_.full().value(); }
  /// The training step at the full batch.
  const graph::Program& program() const { return runtime_.program(program_index()); }
  /// Allocates, uploads the data and initializes the parameters as training does.
  void load();

 private:
  RuntimeOptions runtime_options_with_status();

  TrainSettings settings_;
  ModelDefinition model_;
  std::unique_ptr<Dataset> data_;
  StatusLine status_;
  Runtime runtime_;
  BatchPrograms training_;
};

}  // namespace engine::tools
