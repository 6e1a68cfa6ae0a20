// Parallel loops over items of which neighbours tend to be alike in cost: the rows of a table in
// order of frequency, the used rows before the unused ones.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/simd.h"

namespace engine::cpu {

/// Every step-th item from `first` on.
struct Stripe {
  std::int64_t first, step;
  bool has(std::int64_t item) const { return item % step == first; }
};

/// Calls body(stripe) for disjoint stripes that cover all items, one a thread where there is `work`
/// (elements read or written) for so many.
template <class Body>
void for_each_stripe(std::int64_t work, const Body& body) {
  const std::int64_t count = std::clamp<std::int64_t>(work / kElementGrain, 1, threads());
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = begin; first < end; ++first) body(Stripe{first, count});
  });
}

}  // namespace engine::cpu
