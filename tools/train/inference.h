// A run's parameters on the test part of some data: what evaluate and predict have in common.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "models/train/evaluator.h"
#include "models/train/run_folder.h"
#include "models/train/settings.h"
#include "tools/common/run_options.h"
#include "tools/common/terminal.h"

namespace engine::tools {

struct InferenceOptions {
  std::string run, data;
  RunOptions where;
  bool json = false;

  void declare(Command& command);
};

/// A run made ready to be asked.
class Inference {
 public:
  explicit Inference(const InferenceOptions& options);

  /// Of the network up to this layer only; see Network::up_to.
  void cut_after(const std::string& layer) { model_.network = model_.network.up_to(layer); }
  /// Evaluator or Predictor, compiled and given data and parameters.
  template <class Programs>
  Programs prepare() {
    std::optional<Programs> programs;
    compile_for_data(runtime_, *data_, std::array{Part::test},
                     data_pipeline_from_name(settings_.data_pipeline), [&](bool stream) {
                       programs.emplace(runtime_, model_, *data_, Part::test,
                                        graph_options(settings_), stream);
                     });
    load_parameters();
    programs->load(runtime_, static_cast<int>(settings_.loader_threads));
    return std::move(*programs);
  }

  Runtime& runtime() { return runtime_; }
  const ModelDefinition& model() const { return model_; }
  const Dataset& data() const { return *data_; }

 private:
  RuntimeOptions runtime_options_with_status();
  void load_parameters();

  RunFolder folder_;
  TrainSettings settings_;
  ModelDefinition model_;
  std::unique_ptr<Dataset> data_;
  StatusLine status_;
  Runtime runtime_;
};

}  // namespace engine::tools
