// batch_indices: step i64[] -> indices i32[B], the observations of one batch.
//
// An epoch has steps_per_epoch batches. Its step s takes batch number s or, with "mixed", the image
// of s under the keyed permutation of (key, epoch): so batches of different kinds come in a random
// order. Entry i of a batch is position ((number - first_batch) * batch + i) mod count of the order
// of rows [first_row, first_row + count) in this epoch: the position itself, or, shuffled, its
// image under the keyed permutation of (key, epoch). The output may be shorter than `batch` (the
// last, partial one). At a step whose number is below first_batch entries are rows of the same
// range, of no meaning.
#pragma once

#include <cstdint>

#include "engine/core/permutation.h"
#include "engine/tune/problem.h"

namespace engine {

/// Attributes "count", "batch", "steps_per_epoch" (integers) and "shuffle" (flag); the others are
/// outside the problem key. Also the kernel parameter of every back end.
struct BatchIndicesAttributes {
  std::int64_t count;
  std::int64_t batch;
  std::int64_t steps_per_epoch;
  bool shuffle;
  RandomKey key;
  bool mixed = false;
  std::int64_t first_batch = 0, first_row = 0;

  static BatchIndicesAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// The number of the batch at `step`, in its epoch.
ENGINE_HOST_DEVICE std::int64_t batch_number(std::int64_t step, std::int64_t steps_per_epoch,
                                             bool mixed, RandomKey key) {
  const std::int64_t position = step % steps_per_epoch;
  if (!mixed) return position;
  // Not the epoch of any order of rows.
  const std::uint64_t epoch = static_cast<std::uint64_t>(step / steps_per_epoch) | std::uint64_t{1}
                                                                                       << 63;
  return static_cast<std::int64_t>(permute(static_cast<std::uint64_t>(position),
                                           static_cast<std::uint64_t>(steps_per_epoch), key,
                                           epoch));
}

/// Entry i of the batch at `step`.
ENGINE_HOST_DEVICE std::int32_t batch_index(const BatchIndicesAttributes& a, std::int64_t step,
                                            std::int64_t i) {
  const std::int64_t number = batch_number(step, a.steps_per_epoch, a.mixed, a.key) - a.first_batch;
  const std::int64_t position = ((number < 0 ? 0 : number) * a.batch + i) % a.count;
  if (!a.shuffle) return static_cast<std::int32_t>(a.first_row + position);
  const std::int64_t epoch = step / a.steps_per_epoch;
  return static_cast<std::int32_t>(
      a.first_row + static_cast<std::int64_t>(permute(static_cast<std::uint64_t>(position),
                                                      static_cast<std::uint64_t>(a.count), a.key,
                                                      static_cast<std::uint64_t>(epoch))));
}

}  // namespace engine
