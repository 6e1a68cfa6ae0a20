// The classes of positions that correlations compute: one of a convolution; of an input gradient
// as many as there are remainders modulo the strides.
//
// The input gradient is a gather: position s of dx takes part in the sums of positions p of y with
// p · stride + r · dilation - padding = s. Positions with equal remainders modulo the strides have
// the same taps r, every dilation-th of which the others lack; so each class of remainders is a
// correlation of stride 1 of its own, without a product that is not in the definition.
#pragma once

#include <vector>

#include "kernels/convolution.h"

namespace engine::cuda {

/// One class of the positions of a result that a correlation computes: of all of them, or of an
/// input gradient's with the same remainders. Result position = first + t · step.
struct CorrelationClass {
  Extents3 first{0, 0, 0}, step{1, 1, 1};
  Extents3 positions;                       // t
  Extents3 taps;                            // j
  Extents3 first_tap{0, 0, 0}, tap_step{};  // r = first_tap + j · tap_step
  Extents3 begin, walk{}, tap_walk{};       // x's coordinate = begin + t · walk + j · tap_walk

  std::int64_t tap_count() const { return taps[0] * taps[1] * taps[2]; }
  std::int64_t position_count() const { return positions[0] * positions[1] * positions[2]; }
};

/// The only one of a convolution.
CorrelationClass forward_class(const ConvolutionGeometry& geometry);
/// Those of an input gradient that have positions.
std::vector<CorrelationClass> gradient_classes(const ConvolutionGeometry& geometry);

}  // namespace engine::cuda
