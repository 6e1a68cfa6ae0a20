// rmsprop: see kernels/optimizer.h for operands and formula.
#pragma once

#include "kernels/optimizer.h"

namespace engine {

/// Attributes "rho" and "epsilon" (real).
struct RmspropAttributes {
  float rho = 0.9f;
  float epsilon = 1e-7f;
  static RmspropAttributes from(const Attributes& attributes) {
    return {static_cast<float>(attributes.real("rho")),
            static_cast<float>(attributes.real("epsilon"))};
  }
};

}  // namespace engine
