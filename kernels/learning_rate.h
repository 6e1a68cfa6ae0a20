// learning_rate: the schedule, computed on the device, so that captured steps need no host.
//
//   inputs   base f32[]; step i64[]     output   rate f32[]
//
// With t = step / every, the updates made so far:
//
//   rate = base · f(t) · min(1, (t + 1) / warmup)      the last factor only with warmup > 0
//
//   constant   f = 1
//   step       f = factor^(t / period)                         (whole periods)
//   cosine     f = factor + (1 - factor)·(1 + cos(π·min(1, t / period))) / 2
//              (Loshchilov and Hutter, ICLR 2017, without restarts; factor is the floor)
//   decay      f = 1 / (1 + factor·t)                          (Keras)
//
// Attributes, none in the problem key: "curve" (text), "factor" (real), "period", "warmup" and
// "every" (integers).
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/core/host_device.h"
#include "engine/tune/problem.h"

namespace engine {

enum class RateCurve { constant, step, cosine, decay };

/// Also the kernel parameter of every back end. Counts are updates.
struct LearningRateAttributes {
  RateCurve curve = RateCurve::constant;
  double factor = 1;
  std::int64_t period = 1;
  std::int64_t warmup = 0;
  std::int64_t every = 1;  ///< steps an update

  static LearningRateAttributes from(const Attributes& attributes);
  Attributes to_attributes() const;
  bool operator==(const LearningRateAttributes&) const = default;
};

/// The rate of the update at `step`, in double.
ENGINE_HOST_DEVICE double scheduled_rate(const LearningRateAttributes& a, double base,
                                         std::int64_t step) {
  const std::int64_t t = step / a.every;
  const double updates = static_cast<double>(t), period = static_cast<double>(a.period);
  double rate = base;
  if (a.curve == RateCurve::step) {
    rate *= std::pow(a.factor, static_cast<double>(t / a.period));
  } else if (a.curve == RateCurve::cosine) {
    constexpr double pi = 3.141592653589793;
    const double cosine = t < a.period ? std::cos(pi * (updates / period)) : -1.0;
    rate *= a.factor + (1 - a.factor) * 0.5 * (1 + cosine);
  } else if (a.curve == RateCurve::decay) {
    rate /= 1 + a.factor * updates;
  }
  if (t + 1 < a.warmup) rate *= (updates + 1) / static_cast<double>(a.warmup);
  return rate;
}

}  // namespace engine
