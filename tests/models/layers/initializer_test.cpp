// Initializers: moments, limits, orthogonality, and their names.
#include "models/layers/initializer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/models/scratch.h"

namespace engine {
namespace {

constexpr std::int64_t kIn = 784, kOut = 512;

std::vector<float> weights(const Initializer& initializer, std::uint64_t seed = 3) {
  return draw(initializer, kIn * kOut, kIn, kOut, random_key(seed, "w"));
}

struct Moments {
  double mean = 0, deviation = 0, kurtosis = 0, largest = 0;
};

Moments moments_of(const std::vector<float>& values) {
  Moments m;
  const auto n = static_cast<double>(values.size());
  for (double value : values) m.mean += value / n;
  double second = 0, fourth = 0;
  for (double value : values) {
    const double square = (value - m.mean) * (value - m.mean);
    second += square / n;
    fourth += square * square / n;
    m.largest = std::max(m.largest, std::abs(value));
  }
  m.deviation = std::sqrt(second);
  m.kurtosis = fourth / (second * second);
  return m;
}

// With 400,000 draws the sampling errors of the moments are below these bounds by a factor of 3.
void expect_uniform(const Initializer& initializer, double limit) {
  const Moments m = moments_of(weights(initializer));
  EXPECT_LE(m.largest, limit * (1 + 1e-6)) << initializer.to_string();
  EXPECT_GT(m.largest, 0.999 * limit);
  EXPECT_NEAR(m.mean, 0, 0.005 * limit);
  EXPECT_NEAR(m.deviation, limit / std::sqrt(3.0), 0.005 * limit);
  EXPECT_NEAR(m.kurtosis, 1.8, 0.02);
}

void expect_normal(const Initializer& initializer, double deviation) {
  const Moments m = moments_of(weights(initializer));
  EXPECT_NEAR(m.mean, 0, 0.005 * deviation) << initializer.to_string();
  EXPECT_NEAR(m.deviation, deviation, 0.005 * deviation);
  EXPECT_NEAR(m.kurtosis, 3, 0.05);
  EXPECT_GT(m.largest, 4 * deviation);
  EXPECT_LT(m.largest, 7 * deviation);
}

TEST(Initializer, UniformOnesFillTheirRangeEvenly) {
  expect_uniform(Initializer::glorot_uniform(), std::sqrt(6.0 / (kIn + kOut)));
  expect_uniform(Initializer::he_uniform(), std::sqrt(6.0 / kIn));
  expect_uniform(Initializer::uniform(0.25), 0.25);
}

TEST(Initializer, NormalOnesHaveTheirDeviation) {
  expect_normal(Initializer::glorot_normal(), std::sqrt(2.0 / (kIn + kOut)));
  expect_normal(Initializer::he_normal(), std::sqrt(2.0 / kIn));
  expect_normal(Initializer::he_normal_out(), std::sqrt(2.0 / kOut));
  expect_normal(Initializer::normal(3), 3);
}

TEST(Initializer, ElementsDependOnTheKeyAndTheirPlaceAlone) {
  for (const Initializer& initializer : {Initializer::uniform(1), Initializer::normal(1)}) {
    const std::vector<float> few = draw(initializer, 10, kIn, kOut, random_key(3, "w"));
    const std::vector<float> many = weights(initializer);
    EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
    EXPECT_NE(many, weights(initializer, 4));
  }
  EXPECT_EQ(draw(Initializer::constant(0.5), 3, 1, 1, {}), std::vector<float>(3, 0.5f));
  EXPECT_EQ(draw(Initializer::zeros(), 2, 1, 1, {}), std::vector<float>(2, 0.0f));
}

// The products of every two of the shorter sides' vectors.
void expect_orthonormal(const std::vector<float>& matrix, int rows, int columns) {
  const int count = std::min(rows, columns), length = std::max(rows, columns);
  const auto element = [&](int vector, int i) -> double {
    const int index = rows > columns ? i * columns + vector : vector * columns + i;
    return matrix[static_cast<std::size_t>(index)];
  };
  double worst = 0;
  for (int a = 0; a < count; ++a)
    for (int b = 0; b <= a; ++b) {
      double product = a == b ? -1 : 0;
      for (int i = 0; i < length; ++i) product += element(a, i) * element(b, i);
      worst = std::max(worst, std::abs(product));
    }
  EXPECT_LT(worst, 1e-6) << rows << " by " << columns;
}

TEST(Initializer, OrthogonalMatricesAreOrthonormal) {
  for (auto [rows, columns] : {std::pair{1, 1}, {7, 7}, {3, 5}, {128, 32}, {100, 400}, {200, 200}})
    expect_orthonormal(
        draw(Initializer::orthogonal(), rows * columns, rows, columns, random_key(1, "w")), rows,
        columns);
  EXPECT_THROW(draw(Initializer::orthogonal(), 10, 10, 10, {}), UsageError);
}

// Of a matrix that is uniformly distributed, every element is as often positive as not, those on
// the diagonal included: a QR decomposition without care for signs fails this.
TEST(Initializer, OrthogonalMatricesFavourNoDirection) {
  double sum = 0, trace = 0;
  constexpr int kDraws = 400, kSize = 4;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const std::vector<float> matrix =
        draw(Initializer::orthogonal(), kSize * kSize, kSize, kSize, random_key(seed, "w"));
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      sum += matrix[i];
      if (i % (kSize + 1) == 0) trace += matrix[i];
    }
  }
  // Elements have the variance 1/4: deviations 40 and 20 of the sums, here four times that.
  EXPECT_LT(std::abs(sum), 160);
  EXPECT_LT(std::abs(trace), 80);
}

TEST(Initializer, NamesReadBack) {
  for (const char* name :
       {"zeros", "ones", "constant:0.1", "uniform:0.1", "normal:0.05", "glorot_uniform",
        "glorot_normal", "he_uniform", "he_normal", "orthogonal"})
    EXPECT_EQ(Initializer::parse(name).to_string(), name);
  EXPECT_EQ(Initializer::parse("constant:-2e-3"), Initializer::constant(-0.002));
  for (const char* wrong : {"", "he", "normal", "normal:", "normal:x", "normal:0.1x", "normal:nan",
                            "zeros:1", "he_normal:2", "constant:1e300", "constant:0,5"})
    expect_error<UsageError>([&] { Initializer::parse(wrong); },
                             {"'" + std::string(wrong) + "'", "glorot_uniform"});
  expect_error<UsageError>([] { Initializer::parse("normal:-1"); }, {"normal:-1", "above 0"});
}

}  // namespace
}  // namespace engine
