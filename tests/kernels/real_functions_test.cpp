// The errors that kernels/real_functions.h states for its f32 forms, against the C library in
// double, and their special values.
#include "kernels/real_functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace engine {
namespace {

using Limits = std::numeric_limits<float>;
constexpr float kInfinity = Limits::infinity();
constexpr int kSamples = 200000;

double units_in_the_last_place(float got, double expected) {
  int exponent = 0;
  std::frexp(expected, &exponent);
  return std::abs(got - expected) / std::ldexp(1.0, std::max(exponent, -125) - 24);
}

// The worst error over [low, high), evenly spaced.
template <class F, class Exact>
double worst(float low, float high, const F& function, const Exact& exact) {
  double error = 0;
  for (int i = 0; i < kSamples; ++i) {
    const float x = low + (high - low) * (static_cast<float>(i) / kSamples);
    error = std::max(error, units_in_the_last_place(function(x), exact(x)));
  }
  return error;
}

TEST(RealFunctions, AreWithinTheirErrors) {
  namespace f = real::approximate;
  const auto exp = [](double x) { return std::exp(x); };
  EXPECT_LE(worst(-86.9f, 88.7f, f::exp, exp), 3);
  EXPECT_LE(worst(-1, 1, f::exp, exp), 3);
  const auto expm1 = [](double x) { return std::expm1(x); };
  EXPECT_LE(worst(-40, 0, f::expm1_nonpositive, expm1), 3);
  EXPECT_LE(worst(-1e-3f, 0, f::expm1_nonpositive, expm1), 3);
  const auto log = [](double x) { return std::log(x); };
  EXPECT_LE(worst(1e-6f, 4, f::log, log), 3);
  EXPECT_LE(worst(0.99f, 1.01f, f::log, log), 3);
  EXPECT_LE(worst(1, 1e30f, f::log, log), 3);
  EXPECT_LE(worst(Limits::denorm_min(), Limits::min(), f::log, log), 3);
  const auto log1p = [](float x) { return real::log1p_fraction(x); };
  EXPECT_LE(worst(0, 1, log1p, [](double x) { return std::log1p(x); }), 3);
  EXPECT_LE(worst(0, 1e-5f, log1p, [](double x) { return std::log1p(x); }), 3);
  const auto tanh = [](float x) { return real::tanh(x); };
  EXPECT_LE(worst(-12, 12, tanh, [](double x) { return std::tanh(x); }), 3);
  EXPECT_LE(worst(-0.01f, 0.01f, tanh, [](double x) { return std::tanh(x); }), 3);
}

TEST(RealFunctions, NormalCdfKeepsItsTail) {
  for (int i = 0; i < kSamples; ++i) {
    const float x = -13 + 26 * (static_cast<float>(i) / kSamples);
    const double exact = 0.5 * std::erfc(-static_cast<double>(x) / std::sqrt(2.0));
    const double grows = x < 0 ? 0.5 * x * x : 0;
    ASSERT_LE(units_in_the_last_place(real::approximate::normal_cdf(x), exact), 6 + grows) << x;
  }
}

TEST(RealFunctions, HaveTheirLimits) {
  namespace f = real::approximate;
  EXPECT_EQ(f::exp(-kInfinity), 0);
  EXPECT_EQ(f::exp(-87.5f), 0);
  EXPECT_EQ(f::exp(0), 1);
  EXPECT_EQ(f::exp(88.73f), kInfinity);
  EXPECT_EQ(f::exp(kInfinity), kInfinity);
  EXPECT_EQ(f::expm1_nonpositive(-kInfinity), -1);
  EXPECT_EQ(f::log(0), -kInfinity);
  EXPECT_EQ(f::log(-0.0f), -kInfinity);
  EXPECT_EQ(f::log(1), 0);
  EXPECT_EQ(f::log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(f::log(-1)));
  EXPECT_EQ(f::normal_cdf(-kInfinity), 0);
  EXPECT_EQ(f::normal_cdf(kInfinity), 1);
  EXPECT_EQ(real::tanh(kInfinity), 1);
  EXPECT_EQ(real::tanh(-kInfinity), -1);
  EXPECT_TRUE(std::signbit(real::tanh(-0.0f)));
  EXPECT_EQ(real::tanh(Limits::denorm_min()), Limits::denorm_min());
  for (float (*function)(float) :
       {+[](float x) { return real::exp(x); }, +[](float x) { return real::expm1_nonpositive(x); },
        +[](float x) { return real::log(x); }, +[](float x) { return real::log1p_fraction(x); },
        +[](float x) { return real::normal_cdf(x); }, +[](float x) { return real::tanh(x); },
        +[](float x) { return real::sigmoid(x); }, +[](float x) { return real::softplus(x); }})
    EXPECT_TRUE(std::isnan(function(Limits::quiet_NaN())));
}

}  // namespace
}  // namespace engine
