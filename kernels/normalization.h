// What layer_norm and batch_norm share: the attribute "epsilon" (real, > 0), which is added to the
// variance. It cannot decide which kernel is fastest.
#pragma once

#include "engine/tune/problem.h"

namespace engine {

struct NormalizationAttributes {
  double epsilon = 1e-5;

  static NormalizationAttributes from(const Attributes& attributes) {
    return {attributes.real("epsilon")};
  }
  Attributes to_attributes() const { return Attributes().set_untuned("epsilon", epsilon); }
};

/// Throws UsageError unless epsilon is positive and finite.
NormalizationAttributes checked_normalization(double epsilon);

}  // namespace engine
