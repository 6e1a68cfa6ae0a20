// A fully connected layer and its two gradients, all row-major. B: batch, I: inputs, O: outputs.
//
//   dense                  x[B,I], w f32[I,O], b f32[O] (, step i64[] with drop-out) -> y[B,O]
//                          y = dropout(activation(x·w + b))
//   dense_input_gradient   dz[B,O], w f32[I,O] -> dx[B,I] = dz·wᵀ, of dz's type
//   dense_weight_gradient  x[B,I], dz[B,O] of one type -> dw f32[I,O] = xᵀ·dz,
//                          db f32[O] = column sums of dz
//
// x and dz are f32 or bf16. With bf16 every kernel rounds w to bf16 before it multiplies, so that
// products take bf16 on both sides; sums, bias and epilogue are f32. y is f32 where x is, and what
// the attribute "to" says where x is bf16. Terms may be taken in pairs: where their number is odd,
// the last one may be NaN for an infinity.
#pragma once

#include <string>

#include "kernels/dropout.h"

namespace engine {

enum class Activation { none, relu };

/// Attributes "activation" ("none" or "relu"), "to" ("bf16", or none for f32) and, with drop-out,
/// those of DropoutAttributes.
struct DenseAttributes {
  Activation activation = Activation::none;
  DropoutAttributes dropout;  ///< rate 0: none
  DType output = DType::f32;

  static DenseAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// The extents of any of the three problems, from its types.
struct DenseExtents {
  std::int64_t batch, inputs, outputs;
  static DenseExtents of(const Problem& problem);
};

/// Whether the problem's products are of bf16.
bool multiplies_bfloat16(const Problem& problem);

/// c of the bound for a dense problem's products: the rounding errors of a sum of n terms of one
/// sign perform a random walk, whose length grows as the root of n. A bf16 result may be rounded
/// twice, before and after drop-out, and its bias once.
double product_error_factor(const Problem& problem);

}  // namespace engine
