// batch_indices: step i64[] -> indices i32[B], the observations of one batch.
//
// With epoch = step / steps_per_epoch and first = (step mod steps_per_epoch) * batch, entry i is
// position (first + i) mod count of the epoch's order: the position itself, or its image under the
// keyed permutation of (key, epoch). The output may be shorter than `batch` (the last, partial
// one).
#pragma once

#include <cstdint>

#include "engine/core/permutation.h"
#include "engine/tune/problem.h"

namespace engine {

/// Attributes "count", "batch", "steps_per_epoch" (integers), "shuffle" (flag), and "key" outside
/// the problem key. Also the kernel parameter of every back end.
struct BatchIndicesAttributes {
  std::int64_t count;
  std::int64_t batch;
  std::int64_t steps_per_epoch;
  bool shuffle;
  RandomKey key;

  static BatchIndicesAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// Entry i of the batch at `step`.
ENGINE_HOST_DEVICE std::int32_t batch_index(const BatchIndicesAttributes& a, std::int64_t step,
                                            std::int64_t i) {
  const std::int64_t epoch = step / a.steps_per_epoch;
  const std::int64_t position = ((step % a.steps_per_epoch) * a.batch + i) % a.count;
  if (!a.shuffle) return static_cast<std::int32_t>(position);
  return static_cast<std::int32_t>(permute(static_cast<std::uint64_t>(position),
                                           static_cast<std::uint64_t>(a.count), a.key,
                                           static_cast<std::uint64_t>(epoch)));
}

}  // namespace engine
