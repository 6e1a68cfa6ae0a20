// Sums over many items on all threads: every block of a fixed number of items leaves its sum in the
// workspace, and one thread adds them up, so that the result does not depend on the threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/simd.h"

namespace engine::cpu {

struct BlockSums {
  std::int64_t count;
  std::int64_t grain = kElementGrain;  ///< items of a block

  std::int64_t blocks() const { return (count + grain - 1) / grain; }
  std::size_t workspace() const { return static_cast<std::size_t>(blocks()) * sizeof(double); }

  /// The sum over blocks of block_sum(begin, end).
  template <class F>
  double operator()(void* workspace, const F& block_sum) const {
    auto* sums = static_cast<double*>(workspace);
    parallel_for(blocks(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block)
        sums[block] = block_sum(block * grain, std::min(count, (block + 1) * grain));
    });
    double total = 0;
    for (std::int64_t block = 0; block < blocks(); ++block) total += sums[block];
    return total;
  }

  /// The same divided by the count, 0 of nothing.
  template <class F>
  float mean(void* workspace, const F& block_sum) const {
    if (count == 0) return 0;
    return static_cast<float>((*this)(workspace, block_sum) / static_cast<double>(count));
  }
};

}  // namespace engine::cpu
