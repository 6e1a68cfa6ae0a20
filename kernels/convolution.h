// Convolution in one to three dimensions and its two gradients, as cross-correlation. N: batch, C:
// input channels, K: output channels, G: groups; spatial extents S of the input, R of the filter, P
// of the output.
//
//   convolution                  x[N,C,S...], w f32[K,C/G,R...], b f32[K] (, step i64[] with
//                                drop-out) -> y[N,K,P...] = dropout(activation(x ⋆ w + b))
//   convolution_input_gradient   dz[N,K,P...], w f32[K,C/G,R...] -> dx[N,C,S...], of dz's type
//   convolution_weight_gradient  x[N,C,S...], dz[N,K,P...] of one type -> dw f32[K,C/G,R...],
//                                db f32[K] = sums of dz over all but the channels
//
// The gradients' attribute "input" or "filter" gives the extents S or R that no operand tells.
//
//   (x ⋆ w)[n,k,p] = Σ_c Σ_r x[n, c, p·stride + r·dilation - padding_before] · w[k, c, r]
//
// over the channels c of k's group, x being 0 outside its extents, which gives
// P = (S + padding_before + padding_after - (R - 1)·dilation - 1) / stride + 1 in each dimension.
//
// x, y, dz and dx have one layout, row-major or channels-last, the weights and their gradient are
// row-major. x and dz are f32 or bf16. With bf16 every kernel rounds w to bf16 before it
// multiplies, so that products take bf16 on both sides; sums, bias and epilogue are f32. Terms that
// padding multiplies by 0 may be left out or not: where w is not finite, NaN may stand for them.
// Winograd kernels spread what is not finite over a tile.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/core/attributes.h"
#include "engine/tune/problem.h"
#include "kernels/dense.h"
#include "kernels/dropout.h"

namespace engine {

/// Extents of up to three spatial dimensions, the last ones first filled: a convolution in two
/// dimensions has 1 (or 0 of padding) in front.
using Extents3 = std::array<std::int64_t, 3>;

/// Where a window of a convolution or a pooling starts and how it steps.
struct WindowAttributes {
  int rank = 2;  ///< spatial dimensions: 1, 2 or 3
  Extents3 stride{1, 1, 1};
  Extents3 dilation{1, 1, 1};
  Extents3 padding_before{0, 0, 0};
  Extents3 padding_after{0, 0, 0};

  bool operator==(const WindowAttributes&) const = default;

  /// From and into the attributes "stride", "dilation", "before" and "after": lists of `rank`
  /// numbers, "2,2".
  static WindowAttributes from(const Attributes& attributes);
  void add_to(Attributes& attributes) const;

  /// Output positions of a window of `window` over `extents`; 0 or fewer where it does not fit.
  Extents3 positions(const Extents3& extents, const Extents3& window) const;
};

/// The spatial extents of [N, C, S...] or [K, C/G, R...], with 1 in front.
Extents3 spatial_extents(const Shape& shape);
/// "3,3" of the last `rank` numbers, and back (with `filler` in front).
std::string print_spatial(const Extents3& values, int rank);
Extents3 parse_spatial(const std::string& text, std::int64_t filler);

struct ConvolutionAttributes {
  WindowAttributes window;
  std::int64_t groups = 1;
  DenseAttributes epilogue;  ///< of convolution alone

  /// Attributes of the window, "groups", and those of DenseAttributes.
  static ConvolutionAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// What the types and attributes of any of the three problems say, in one place.
struct ConvolutionGeometry {
  std::int64_t batch, inputs, outputs, groups;  ///< N, C, K, G
  Extents3 input, filter, output;               ///< S, R, P
  WindowAttributes window;
  Layout layout;  ///< of x, y and their gradients

  static ConvolutionGeometry of(const Problem& problem);

  std::int64_t group_inputs() const { return inputs / groups; }
  std::int64_t group_outputs() const { return outputs / groups; }
  std::int64_t input_positions() const { return input[0] * input[1] * input[2]; }
  std::int64_t filter_positions() const { return filter[0] * filter[1] * filter[2]; }
  std::int64_t output_positions() const { return output[0] * output[1] * output[2]; }
  bool empty() const {
    return batch * outputs * output_positions() * inputs * filter_positions() == 0;
  }
  /// Multiply-adds of the definition, counting those with padding.
  double multiply_adds() const;
};

/// c of the bound for kernels that sum products in any order (see product_error_factor).
/// `amplification` is what transforms, Winograd's, multiply the errors of f32 by. A result at an
/// edge has the errors of its whole tile but the magnitude of the terms there are, so it gets more.
double convolution_error_factor(const Problem& problem, double amplification = 1);

}  // namespace engine
