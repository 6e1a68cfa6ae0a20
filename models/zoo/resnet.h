// Residual networks on images (He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition",
// CVPR 2016, arXiv:1512.03385): a 7 x 7 convolution and a pooling that each halve the extents, four
// stages of residual blocks of which the last three halve them at their first block, the mean of
// every channel, and one dense layer. Every convolution is followed by batch normalization and has
// no bias; where a block changes the shape, its shortcut is a 1 x 1 convolution (option B). Images
// may be of any size: a stage that halves 1 x 1 leaves 1 x 1.
#pragma once

#include <array>
#include <string>

#include "models/zoo/zoo.h"

namespace engine {

struct ResnetOptions {
  std::array<int, 4> blocks;  ///< of each stage
  /// Blocks of 1 x 1, 3 x 3 and 1 x 1 convolutions, the last with four times the channels, instead
  /// of two 3 x 3. A block that halves the extents does so in its 3 x 3 convolution ("v1.5", as
  /// torchvision's), where the paper's does in the first 1 x 1, which leaves out three quarters.
  bool bottleneck;
};

/// The network for images of this shape, up to the logits.
Network resnet(const ResnetOptions& options, const Shape& image, int classes);
/// The model with the paper's training: batches of 256, SGD with momentum 0.9 and weight decay
/// 1e-4, a learning rate of 0.1 that falls to a tenth every 30 of 90 epochs.
ModelDefinition resnet_model(const std::string& name, const std::string& description,
                             const ResnetOptions& options);

}  // namespace engine
