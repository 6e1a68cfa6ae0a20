// The element-wise functions of one operand, f32 or bf16 (computed in f32) of any shape: one row of
// a table each, from which every back end makes its kernels (the references in double).
//
//   <name>           x -> y = value(x). y may be x.
//   <name>_gradient  dy, and x or y (the row says which) -> dx. dx may be dy.
//
// NaN gives NaN; gradients that select (relu, leaky_relu, elu, hard_sigmoid, abs) give 0 where the
// function is flat, whatever dy is. At a kink the gradient is that of the left side, and 0 for abs.
// relu(-0) is 0.
//
// Attributes (real): "alpha" (1), the slope of leaky_relu and the depth of elu; "scale" (1) and
// "shift" (0) of scale_shift. relu_gradient takes "scale": 1, or 1 / (1 - rate) when y went through
// a drop-out as well: an element it dropped is 0, so y > 0 is the mask of both.
#pragma once

#include <span>
#include <string_view>

#include "engine/tune/problem.h"
#include "kernels/real_functions.h"

namespace engine {

/// What a gradient reads beside dy. A function whose derivative is constant reads nothing, and has
/// no gradient kernel: its gradient is scale_shift.
enum class Reads { x, y, nothing };

namespace elementwise {

/// The attributes, rounded to f32.
template <class T>
struct Parameters {
  T scale = 1, shift = 0, alpha = 1;

  static Parameters from(const Attributes& attributes) {
    Parameters result;
    const auto read = [&](const char* name, T& value) {
      if (attributes.has(name)) value = static_cast<float>(attributes.real(name));
    };
    read("scale", result.scale);
    read("shift", result.shift);
    read("alpha", result.alpha);
    return result;
  }
};

// GELU, its tanh form and SiLU are x times a gate that goes to 0 faster than x grows. The factor x
// is bounded below where the product is beneath 2e-36, so that minus infinity gives (nearly) 0.

template <class T>
ENGINE_HOST_DEVICE T gelu_value(T x) {
  return real::at_least(x, T(-14)) * real::normal_cdf(x);
}
template <class T>
ENGINE_HOST_DEVICE T gelu_slope(T x) {
  const T c = real::clamp(x, T(-14), T(14));
  return real::normal_cdf(x) + c * real::normal_density(c);
}

// 0.5·x·(1 + tanh u) of Hendrycks and Gimpel (arXiv:1606.08415), written x / (1 + exp(-2u)), which
// loses nothing in the tail; 2u = x·(a + b·x²).
template <class T>
ENGINE_HOST_DEVICE T gelu_tanh_exponential(T x) {
  return real::exp(-x * (T(1.5957691216057308) + T(0.071354816272600247) * x * x));
}
template <class T>
ENGINE_HOST_DEVICE T gelu_tanh_value(T x) {
  const T c = real::clamp(x, T(-10), T(10));
  return real::at_least(x, T(-10)) / (T(1) + gelu_tanh_exponential(c));
}
// 1 - gate is taken as exponential · gate: nothing cancels.
template <class T>
ENGINE_HOST_DEVICE T gelu_tanh_slope(T x) {
  const T c = real::clamp(x, T(-10), T(10));
  const T exponential = gelu_tanh_exponential(c), gate = T(1) / (T(1) + exponential);
  const T steepness = T(1.5957691216057308) + T(0.21406444881780074) * c * c;
  return gate + c * gate * (exponential * gate) * steepness;
}

template <class T>
ENGINE_HOST_DEVICE T silu_value(T x) {
  const T c = real::at_least(x, T(-86));
  return c * real::sigmoid(c);
}
template <class T>
ENGINE_HOST_DEVICE T silu_slope(T x) {
  const T c = real::clamp(x, T(-86), T(86));
  const T exponential = real::exp(-c), gate = T(1) / (T(1) + exponential);
  return gate * (T(1) + c * (exponential * gate));
}

// clang-format off
// ROW(name, what the gradient reads, y as a function of x, dx as a function of dy and x or y), over
// a type T and parameters p. A row here is all that a function needs.
#define ENGINE_ELEMENTWISE_TABLE(ROW)                                                              \
  ROW(relu, y, x <= T(0) ? T(0) : x, y > T(0) ? dy * p.scale : T(0))                               \
  ROW(leaky_relu, x, x > T(0) ? x : x * p.alpha, x > T(0) ? dy : dy * p.alpha)                     \
  ROW(elu, y, x > T(0) ? x : p.alpha * real::expm1_nonpositive(x > T(0) ? T(0) : x),               \
      y > T(0) ? dy : dy * (y + p.alpha))                                                          \
  ROW(tanh, y, real::tanh(x), dy * (T(1) - y * y))                                                 \
  ROW(sigmoid, y, real::sigmoid(x), dy * (y * (T(1) - y)))                                         \
  ROW(hard_sigmoid, y, real::clamp(x * T(0.2) + T(0.5), T(0), T(1)),                               \
      y > T(0) && y < T(1) ? dy * T(0.2) : T(0))                                                   \
  ROW(softplus, x, real::softplus(x), dy * real::sigmoid(x))                                       \
  ROW(gelu, x, gelu_value(x), dy * gelu_slope(x))                                                  \
  ROW(gelu_tanh, x, gelu_tanh_value(x), dy * gelu_tanh_slope(x))                                   \
  ROW(silu, x, silu_value(x), dy * silu_slope(x))                                                  \
  ROW(exp, y, real::exp(x), dy * y)                                                                \
  ROW(log, x, real::log(x), dy / x)                                                                \
  ROW(sqrt, y, real::sqrt(x), dy * T(0.5) / y)                                                     \
  ROW(square, x, x * x, dy * (x + x))                                                              \
  ROW(abs, x, std::fabs(x), x > T(0) ? dy : (x < T(0) ? -dy : T(0)))                               \
  ROW(scale_shift, nothing, x * p.scale + p.shift, dy * p.scale)
// clang-format on

// One type a row, with the row's functions as static members.
#define ENGINE_ELEMENTWISE_TYPE(name_, reads_, value_, gradient_)                     \
  struct name_ {                                                                      \
    static constexpr std::string_view name = #name_;                                  \
    static constexpr Reads reads = Reads::reads_;                                     \
    template <class T>                                                                \
    static ENGINE_HOST_DEVICE T value(T x, [[maybe_unused]] const Parameters<T>& p) { \
      return value_;                                                                  \
    }                                                                                 \
    template <class T>                                                                \
    static ENGINE_HOST_DEVICE T gradient(T dy, [[maybe_unused]] T reads_,             \
                                         [[maybe_unused]] const Parameters<T>& p) {   \
      return gradient_;                                                               \
    }                                                                                 \
  };
ENGINE_ELEMENTWISE_TABLE(ENGINE_ELEMENTWISE_TYPE)
#undef ENGINE_ELEMENTWISE_TYPE

}  // namespace elementwise

struct ElementwiseFunction {
  std::string_view name;
  Reads reads;
};

/// The rows of the table.
std::span<const ElementwiseFunction> elementwise_functions();
/// The row of that name; throws UsageError with the names there are.
const ElementwiseFunction& find_elementwise_function(std::string_view name);

}  // namespace engine
