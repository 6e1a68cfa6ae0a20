// What the CPU implementations of convolution share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/candidate.h"
#include "kernels/convolution.h"

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

/// Drop-out in place over the channels-last y of a convolution, whose ReLU is done.
void drop_channels_last(const ConvolutionGeometry& geometry, const DropoutAttributes& dropout,
                        const LaunchArguments& arguments);

class ConvolutionKernel : public Kernel {
 public:
  virtual std::size_t workspace() const = 0;  ///< bytes
};

/// An algorithm for convolution and both gradients, of channels-last f32 images.
struct ConvolutionFamily {
  std::string id;
  std::vector<std::string> configurations;
  std::string (*refuse)(const Problem&);  ///< why, or ""; types and layout aside
  std::unique_ptr<ConvolutionKernel> (*make)(const Problem&, const std::string& configuration);
  double amplification = 1;  ///< of convolution_error_factor
  Exactness exactness = Exactness::integers;
};

/// The same convolution of f32 images.
Problem widened_convolution(const Problem& problem);

/// What Winograd's transforms with tiles of up to 4 x 4 multiply convolution_error_factor by.
inline constexpr double kWinogradAmplification = 32;

ConvolutionFamily winograd_convolution();
ConvolutionFamily gemm_convolution();
ConvolutionFamily depthwise_convolution();

}  // namespace engine::cpu
