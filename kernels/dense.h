// A fully connected layer and its two gradients, all row-major. B: batch, I: inputs, O: outputs.
//
//   dense                  x f32[B,I], w f32[I,O], b f32[O] (, step i64[] with drop-out) -> y
//   f32[B,O]
//                          y = dropout(activation(x·w + b))
//   dense_input_gradient   dz f32[B,O], w f32[I,O] -> dx f32[B,I] = dz·wᵀ
//   dense_weight_gradient  x f32[B,I], dz f32[B,O] -> dw f32[I,O] = xᵀ·dz, db f32[O] = column sums
//   of dz
#pragma once

#include <string>

#include "kernels/dropout.h"

namespace engine {

enum class Activation { none, relu };

/// Attributes "activation" ("none" or "relu") and, with drop-out, those of DropoutAttributes.
struct DenseAttributes {
  Activation activation = Activation::none;
  DropoutAttributes dropout;  ///< rate 0: none

  static DenseAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
};

/// The extents of any of the three problems, from its types.
struct DenseExtents {
  std::int64_t batch, inputs, outputs;
  static DenseExtents of(const Problem& problem);
};

/// c of the bound for a dense problem's products: the rounding errors of a sum of n terms of one
/// sign perform a random walk, whose length grows as the root of n.
double product_error_factor(const Problem& problem);

}  // namespace engine
