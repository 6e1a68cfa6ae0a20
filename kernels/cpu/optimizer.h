// The loop that all multi-tensor optimizers share.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/simd.h"
#include "kernels/optimizer.h"

namespace engine::cpu {

/// The parameters of an optimizer problem, laid end to end.
class Concatenation {
 public:
  explicit Concatenation(const Problem& problem) {
    const auto operands = OptimizerOperands::of(problem);
    for (std::size_t n = 0; n < operands.count; ++n)
      ends_.push_back(count() + problem.inputs[operands.parameter(n)].element_count());
  }

  std::int64_t count() const { return ends_.empty() ? 0 : ends_.back(); }

  /// Calls update(n, begin, end) for disjoint element ranges that cover every parameter n, in one
  /// parallel loop over all of them, so that small parameters cost no launch of their own.
  template <class Update>
  void for_each(const Update& update) const {
    parallel_for(count(), kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      const FlushDenormals flush;
      auto at = std::upper_bound(ends_.begin(), ends_.end(), begin);
      for (; begin < end; ++at) {
        const std::int64_t first = at == ends_.begin() ? 0 : *(at - 1);
        const std::int64_t stop = std::min(end, *at);
        if (begin < stop)
          update(static_cast<std::size_t>(at - ends_.begin()), begin - first, stop - first);
        begin = stop;
      }
    });
  }

 private:
  std::vector<std::int64_t> ends_;  ///< of each parameter, counted from the first one's start
};

}  // namespace engine::cpu
