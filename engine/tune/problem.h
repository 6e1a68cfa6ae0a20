// A problem is everything that can change which kernel is best: op, tuned attributes, types, and
// the numerical freedom allowed. Its key is what the algorithm cache is indexed by.
#pragma once

#include <string>
#include <vector>

#include "engine/core/attributes.h"
#include "engine/core/tensor.h"

namespace engine {

/// How products of f32 tensors may be computed.
enum class Math { strict, tf32 };

struct Problem {
  std::string op;
  Attributes attributes;
  std::vector<TensorType> inputs;
  std::vector<TensorType> outputs;
  Math math = Math::strict;
  bool deterministic = false;  ///< exclude kernels whose result may differ from run to run

  /// "v1 dense activation=relu : f32[128, 784] f32[784, 512] f32[512] -> f32[128, 512] : strict".
  std::string key() const;
};

}  // namespace engine
