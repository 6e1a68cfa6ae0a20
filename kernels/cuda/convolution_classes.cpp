#include "kernels/cuda/convolution_classes.h"

#include <algorithm>
#include <numeric>

namespace engine::cuda {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Of dimension d, positions s = remainder + t · stride of dx: with the first tap r for which
// s + padding - r · dilation is a multiple of the stride, and every (stride / gcd)-th from there.
void set_gradient_class(CorrelationClass& c, const ConvolutionGeometry& g, std::size_t d,
                        std::int64_t remainder) {
  const std::int64_t stride = g.window.stride[d], dilation = g.window.dilation[d];
  const std::int64_t at = remainder + g.window.padding_before[d];
  c.first[d] = remainder;
  c.step[d] = stride;
  c.positions[d] = remainder < g.input[d] ? ceil_div(g.input[d] - remainder, stride) : 0;
  c.tap_step[d] = stride / std::gcd(stride, dilation);
  std::int64_t tap = 0;
  while (tap < c.tap_step[d] && (at - tap * dilation) % stride != 0) ++tap;
  const bool found = tap < std::min(c.tap_step[d], g.filter[d]);
  c.first_tap[d] = found ? tap : 0;
  c.taps[d] = found ? ceil_div(g.filter[d] - tap, c.tap_step[d]) : 0;
  c.begin[d] = found ? (at - tap * dilation) / stride : 0;
  c.walk[d] = 1;
  c.tap_walk[d] = -(dilation * c.tap_step[d] / stride);
}

}  // namespace

CorrelationClass forward_class(const ConvolutionGeometry& g) {
  CorrelationClass c;
  c.positions = g.output;
  c.taps = g.filter;
  c.tap_step = {1, 1, 1};
  for (std::size_t d = 0; d < 3; ++d) c.begin[d] = -g.window.padding_before[d];
  c.walk = g.window.stride;
  c.tap_walk = g.window.dilation;
  return c;
}

std::vector<CorrelationClass> gradient_classes(const ConvolutionGeometry& g) {
  std::vector<CorrelationClass> classes;
  const Extents3& stride = g.window.stride;
  for (std::int64_t i = 0; i < stride[0] * stride[1] * stride[2]; ++i) {
    CorrelationClass c;
    set_gradient_class(c, g, 0, i / stride[2] / stride[1]);
    set_gradient_class(c, g, 1, i / stride[2] % stride[1]);
    set_gradient_class(c, g, 2, i % stride[2]);
    if (c.position_count() > 0) classes.push_back(c);
  }
  return classes;
}

}  // namespace engine::cuda
