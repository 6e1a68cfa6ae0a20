#include "kernels/layer_norm.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/core/error.h"

namespace engine {

NormalizationAttributes checked_normalization(double epsilon) {
  if (!(epsilon > 0 && std::isfinite(epsilon)))
    throw UsageError(fmt::format(
        "the epsilon of a normalization is {}, expected a positive finite number", epsilon));
  return {epsilon};
}

}  // namespace engine
