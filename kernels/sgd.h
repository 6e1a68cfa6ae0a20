// sgd: see kernels/optimizer.h for operands and formula.
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attribute "momentum" (real, 0 for none).
struct SgdAttributes {
  float momentum = 0;
  static SgdAttributes from(const Attributes& attributes) {
    return {static_cast<float>(attributes.real("momentum"))};
  }
};

}  // namespace engine
