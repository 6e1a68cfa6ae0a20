// How kernels with scratch memory of their own cut their work and their workspace.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/device/cpu/parallel.h"

namespace engine::cpu {

inline std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Hands out the regions of a workspace, in floats, each on cache lines of its own.
class Regions {
 public:
  /// The offset of a region.
  std::int64_t add(std::int64_t floats) {
    const std::int64_t offset = floats_;
    floats_ += (floats + kLine - 1) / kLine * kLine;
    return offset;
  }
  std::size_t bytes() const { return static_cast<std::size_t>(floats_) * sizeof(float); }

 private:
  static constexpr std::int64_t kLine = 16;
  std::int64_t floats_ = 0;
};

/// Floats between matrices of `floats` that are read together: an odd number of cache lines, so
/// that they do not meet in one set of a cache.
inline std::int64_t odd_lines(std::int64_t floats) {
  return ((floats + 15) / 16 | 1) * 16;
}

/// Calls body(task, worker) for 0 <= task < tasks on all threads; calls of one worker, of
/// 0 … workers - 1, do not overlap.
template <class Body>
void for_each_task(std::int64_t tasks, std::int64_t workers, const Body& body) {
  parallel_for(workers, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t worker = begin; worker < end; ++worker)
      for (std::int64_t task = tasks * worker / workers; task < tasks * (worker + 1) / workers;
           ++task)
        body(task, worker);
  });
}

}  // namespace engine::cpu
