#include "models/zoo/resnet.h"

#include <cmath>

namespace engine {
namespace {

constexpr std::int64_t kWidth = 64;  // channels of the first stage's blocks
constexpr std::int64_t kExpansion = 4;

// A convolution that keeps the extents, or divides them by `stride`, and its normalization.
void add_convolution(Network& network, std::int64_t filters, std::int64_t kernel,
                     std::int64_t stride) {
  network
      .convolution(filters, {kernel},
                   {.stride = {stride},
                    .padding = kernel == 1 ? "valid" : std::to_string(kernel / 2),
                    .use_bias = false,
                    .kernel_initializer = Initializer::he_normal_out()})
      .batch_norm({.momentum = 0.9, .epsilon = 1e-5});
}

Network branch(bool bottleneck, std::int64_t width, std::int64_t stride) {
  Network network;
  if (bottleneck) {
    add_convolution(network, width, 1, 1);
    add_convolution(network.relu(), width, 3, stride);
    add_convolution(network.relu(), width * kExpansion, 1, 1);
  } else {
    add_convolution(network, width, 3, stride);
    add_convolution(network.relu(), width, 3, 1);
  }
  return network;
}

}  // namespace

Network resnet(const ResnetOptions& options, const Shape& image, int classes) {
  Network network(image);
  add_convolution(network, kWidth, 7, 2);
  network.relu().max_pool({3}, {.stride = {2}, .padding = "1"});
  std::int64_t channels = kWidth;
  for (std::size_t stage = 0; stage < options.blocks.size(); ++stage) {
    const std::int64_t width = kWidth << stage;
    const std::int64_t outputs = options.bottleneck ? width * kExpansion : width;
    for (int block = 0; block < options.blocks[stage]; ++block) {
      const std::int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      Network shortcut;
      if (stride != 1 || channels != outputs) add_convolution(shortcut, outputs, 1, stride);
      network.residual(branch(options.bottleneck, width, stride), shortcut).relu();
      channels = outputs;
    }
  }
  const Initializer uniform{Initializer::Kind::uniform,
                            1 / std::sqrt(static_cast<double>(channels))};
  return network.global_average_pool().dense(
      classes, {.kernel_initializer = uniform, .bias_initializer = uniform});
}

ModelDefinition resnet_model(const std::string& name, const std::string& description,
                             const ResnetOptions& options) {
  constexpr int kClasses = 1000;
  ModelDefinition model{name, description, resnet(options, Shape{3, 224, 224}, kClasses)};
  model.classes = kClasses;
  model.make_network = [options](const DatasetNature& data) {
    return resnet(options, data.observation, data.classes);
  };
  model.batch = 256;
  model.epochs = 90;
  model.optimizer = {.name = "sgd",
                     .learning_rate = 0.1,
                     .momentum = 0.9,
                     .weight_decay = 1e-4,
                     .schedule = {.kind = ScheduleKind::step, .epochs = 30, .factor = 0.1}};
  return model;
}

}  // namespace engine
