// batch_guard: step i64[] -> guard f32[]: 0 where the batch at this step (kernels/batch_indices.h)
// has a number in [first, first + count), else NaN. As a guard of gradient_scale it keeps a program
// that was enqueued for another step from having an effect.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/batch_indices.h"

namespace engine {

/// Attributes of these names, "key" as in batch_indices; none is in the problem key. Also the
/// kernel parameter of every back end.
struct BatchGuardAttributes {
  std::int64_t steps_per_epoch;
  bool mixed;
  RandomKey key;
  std::int64_t first, count;

  static BatchGuardAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

ENGINE_HOST_DEVICE float batch_guard(const BatchGuardAttributes& a, std::int64_t step) {
  const std::int64_t number = batch_number(step, a.steps_per_epoch, a.mixed, a.key) - a.first;
  return number >= 0 && number < a.count ? 0.0f : NAN;
}

}  // namespace engine
