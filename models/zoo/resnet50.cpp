// The 50-layer residual network of bottleneck blocks.
#include "models/zoo/resnet.h"

namespace engine {

ModelDefinition resnet50() {
  return resnet_model("resnet50",
                      "He et al.'s residual network of 50 layers for ImageNet, in the v1.5 variant",
                      {.blocks = {3, 4, 6, 3}, .bottleneck = true});
}

}  // namespace engine
