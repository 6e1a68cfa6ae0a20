// A run's parameters on the test part of some data: what evaluate and predict have in common.
#pragma once

#include <memory>
#include <string>

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

/// A run made ready: programs are added by the caller, then load() brings data and parameters.
class Inference {
 public:
  explicit Inference(const InferenceOptions& options);

  /// Of the network up to this layer only; see Network::up_to.
  void cut_after(const std::string& layer) { model_.network = model_.network.up_to(layer); }
  template <class Programs>
  Programs compile() {
    return Programs(runtime_, model_, *data_, Part::test, graph_options(settings_));
  }
  void load();

  Runtime& runtime() { return runtime_; }
  const ModelDefinition& model() const { return model_; }
  const Dataset& data() const { return *data_; }

 private:
  RuntimeOptions runtime_options_with_status();

  RunFolder folder_;
  TrainSettings settings_;
  ModelDefinition model_;
  std::unique_ptr<Dataset> data_;
  StatusLine status_;
  Runtime runtime_;
};

}  // namespace engine::tools
