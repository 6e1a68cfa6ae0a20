// The training step of a model, compiled for a device over synthetic data: what is profiled.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/train/evaluator.h"
#include "models/train/settings.h"
#include "tools/common/run_options.h"
#include "tools/common/terminal.h"
#include "tools/profile/report_format.h"

namespace engine::tools {

struct WorkloadOptions {
  std::string model;
  RunOptions run;
  FormatOptions output;

  /// MODEL, and the options of its run.
  Command& declare_run(Command& command);
  /// The same, and in which form rows are printed.
  Command& declare(Command& command);
};

/// The training step's graph before it is compiled: with its gradients, after the forward passes
/// that `options` leaves on.
StepGraph training_step(const WorkloadOptions& options);

class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  const ModelDefinition& model() const { return model_; }
  Runtime& runtime() { return runtime_; }
  std::size_t program_index() const { return training_.first(); }
  /// The training step at the full batch.
  const graph::Program& program() const { return runtime_.program(program_index()); }
  /// What every pass did, in the order they ran.
  std::vector<graph::PassReport> passes() const;
  /// "mnist-mlp, batch 128, on cpu": for headings.
  std::string title();
  const TrainSettings& settings() const { return settings_; }
  Math math() const { return runtime_options(settings_).compile.math; }
  /// What a step of the program was to its tuner.
  Problem problem_of(const graph::Step& step) const;
  /// What to show while something takes long.
  StatusLine& status() { return status_; }

  /// Allocates, uploads the data and initializes the parameters as training does.
  void load();
  /// After load(): enqueues one training step, kernel by kernel.
  void launch_step();

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
