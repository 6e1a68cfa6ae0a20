// gradient_scale: one number that says what a step's gradients are worth.
//
//   inputs   step i64[]; guards f32[] x h; gradients f32 x n, of any shapes
//   output   scale f32[]
//
//   NaN      when a gradient or a guard (the loss, say) is not finite: the step has to be undone
//   0        else, unless step mod every == every - 1: the step only accumulates
//   1/every · min(1, clip_norm / (norm / every))     else, norm being the Euclidean norm of all
//                                                    gradients together, taken in double
//
// With clip_norm = 0 nothing is clipped and no norm is taken. Sums of squares are computed in a
// fixed order. Attributes "count" (n), "guards" (h) and whether clip_norm > 0 ("clip", flag) decide
// over speed; "clip_norm" (real) and "every" (integer) stay out of the problem key.
#pragma once

#include <cmath>

#include "engine/core/host_device.h"
#include "engine/tune/problem.h"

namespace engine {

/// The attributes, and where the operands are. Also a kernel parameter.
struct GradientScaleAttributes {
  std::size_t count = 0, guards = 0;
  double clip_norm = 0;
  std::int64_t every = 1;

  static GradientScaleAttributes from(const Attributes& attributes) {
    return {static_cast<std::size_t>(attributes.integer("count")),
            static_cast<std::size_t>(attributes.integer("guards")), attributes.real("clip_norm"),
            attributes.integer("every")};
  }
  Attributes to_attributes() const {
    Attributes attributes;
    attributes.set("count", static_cast<std::int64_t>(count));
    attributes.set("guards", static_cast<std::int64_t>(guards)).set("clip", clip_norm > 0);
    return attributes.set_untuned("clip_norm", clip_norm).set_untuned("every", every);
  }
  std::size_t guard(std::size_t i) const { return 1 + i; }
  std::size_t gradient(std::size_t k) const { return 1 + guards + k; }
};

/// The scale from the sum of squares of all gradients and guards, which is finite when all of them
/// are (f32 squares cannot overflow a double); without clipping from any number that is finite just
/// then.
ENGINE_HOST_DEVICE float scale_of_gradients(const GradientScaleAttributes& a, std::int64_t step,
                                            bool finite, double sum_of_squares) {
  if (!finite) return NAN;
  if (step % a.every != a.every - 1) return 0;
  const double mean = 1.0 / static_cast<double>(a.every);
  const double norm = std::sqrt(sum_of_squares) * mean;
  return static_cast<float>(a.clip_norm > 0 && norm > a.clip_norm ? mean * (a.clip_norm / norm)
                                                                  : mean);
}

}  // namespace engine
