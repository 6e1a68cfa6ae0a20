// What the multi-tensor ops share: one launch for all tensors of a network, most of which (biases)
// are too small to be worth one of their own. A list of n incoming tensors (gradients, say) updates
// lists of n states (parameters, moments):
//
//   inputs   scalars; states 0 x n; incoming x n; states 1 x n, states 2 x n, ...
//   outputs  states 0 x n; states 1 x n, states 2 x n, ...   (each may be its input)
//
// All tensors are f32, and tensor k has the same shape in every list. The attribute "count" is n.
// What happens to an element is a rule, written once for the reference and all back ends:
//
//   struct Rule {
//     static constexpr int kScalars = ..., kStates = ...;
//     // Reads the scalars; R is the type constants of the step are computed in.
//     template <class R> Step<R> at(const ScalarOperands&) const;
//   };
//   struct Step {
//     bool skip;  // every output is its input, bit for bit
//     template <class T> void operator()(T incoming, T* state) const;  // advances one element
//   };
//
// R and T are float in kernels; in references R is double and T a double that carries its
// magnitude along.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/core/host_device.h"
#include "engine/tune/problem.h"

namespace engine {

/// Where the operands of a multi-tensor problem are.
struct MultiTensorOperands {
  std::size_t scalars;
  std::size_t count;  ///< n

  static MultiTensorOperands of(const Attributes& attributes, std::size_t scalars) {
    return {scalars, static_cast<std::size_t>(attributes.integer("count"))};
  }
  std::size_t state(std::size_t list, std::size_t k) const {
    return scalars + (list == 0 ? 0 : list + 1) * count + k;
  }
  std::size_t incoming(std::size_t k) const { return scalars + count + k; }
  std::size_t next(std::size_t list, std::size_t k) const { return list * count + k; }
};

/// Scalar operands in the memory that the rule runs on.
struct ScalarOperands {
  static constexpr std::size_t kMost = 3;
  const void* at[kMost] = {};

  ENGINE_HOST_DEVICE float real(int i) const { return *static_cast<const float*>(at[i]); }
  ENGINE_HOST_DEVICE std::int64_t integer(int i) const {
    return *static_cast<const std::int64_t*>(at[i]);
  }
};

/// False for NaN and infinities.
ENGINE_HOST_DEVICE bool is_finite(float value) {
  return value - value == 0;
}

}  // namespace engine
