// What the CPU implementations of convolution share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/tune/candidate.h"
#include "kernels/convolution.h"
#include "kernels/cpu/tasks.h"

namespace engine::cpu {

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
