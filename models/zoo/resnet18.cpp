// The 18-layer residual network.
#include "models/zoo/resnet.h"

namespace engine {

ModelDefinition resnet18() {
  return resnet_model("resnet18", "He et al.'s residual network of 18 layers for ImageNet",
                      {.blocks = {2, 2, 2, 2}, .bottleneck = false});
}

}  // namespace engine
