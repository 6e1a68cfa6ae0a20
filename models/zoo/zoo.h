// The reference models: networks with the batch, optimizer and epochs they were published with.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/data/dataset.h"
#include "models/layers/network.h"
#include "models/train/loss.h"
#include "models/train/optimizer.h"

namespace engine {

struct ModelDefinition {
  std::string name;         ///< what the command line takes
  std::string description;  ///< a line: origin and data
  Network network;
  /// The network sees (x · scale - mean) / deviation, where scale is input_scale for bytes and 1
  /// for numbers; mean and deviation are one number, or one for each channel (the first axis of an
  /// observation, if it has up to 16). Empty: 0 and 1.
  double input_scale = 1.0 / 255;
  std::vector<double> input_mean = {}, input_deviation = {};
  int classes = 10;  ///< of integer labels
  Loss loss = Loss::softmax_cross_entropy;
  double huber_delta = 1;  ///< of huber_loss: from where on errors count linearly
  std::int64_t batch = 128;
  int epochs = 1;
  /// The smaller last batch of an epoch is trained too, or left out.
  bool partial_batches = true;
  OptimizerSettings optimizer = {};
  /// Where the network is one for observations of any shape, any number of classes, and tokens of
  /// any format: makes it for those of the data.
  std::function<Network(const DatasetNature& data)> make_network = {};
  /// Where observations are tokens, which the network sees as i32; its input is their number.
  std::optional<TextFormat> text = {};
};

/// Every model, in the order of the list in models/CMakeLists.txt.
std::vector<ModelDefinition> zoo();
/// `name` is one of those, or a path that ends in ".toml" (models/file/model_file.h). Throws
/// UsageError naming the known models.
ModelDefinition find_model(const std::string& name);

}  // namespace engine
