#include "models/layers/initializer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "engine/core/error.h"

namespace engine {
namespace {

using Kind = Initializer::Kind;

struct Name {
  std::string_view text;
  Kind kind;
  bool has_value;
};
constexpr std::array<Name, 10> kNames{{{"constant", Kind::constant, true},
                                       {"uniform", Kind::uniform, true},
                                       {"normal", Kind::normal, true},
                                       {"glorot_uniform", Kind::glorot_uniform, false},
                                       {"glorot_normal", Kind::glorot_normal, false},
                                       {"he_uniform", Kind::he_uniform, false},
                                       {"he_normal", Kind::he_normal, false},
                                       {"he_normal_out", Kind::he_normal_out, false},
                                       {"orthogonal", Kind::orthogonal, false},
                                       {"unit_forget", Kind::unit_forget, false}}};

[[noreturn]] void fail(std::string_view text) {
  std::string known = "zeros, ones";
  for (const Name& name : kNames)
    known += fmt::format(", {}{}", name.text, name.has_value ? ":X" : "");
  throw UsageError(fmt::format("no initializer is '{}', expected one of: {}", text, known));
}

double parse_value(std::string_view text, std::string_view whole) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() ||
      !(std::abs(value) <= std::numeric_limits<float>::max()))
    fail(whole);
  return value;
}

// Element i of a stream of standard normal numbers, by Box and Muller (1958) from the two words
// that are its own. The first uniform number is never 0, so the logarithm is finite.
double normal_element(RandomKey key, std::uint64_t i) {
  const double radius_word = random_word(key, 0, 2 * i);
  const double angle_word = random_word(key, 0, 2 * i + 1);
  const double radius = std::sqrt(-2 * std::log((radius_word + 0.5) / 4294967296.0));
  return radius * std::cos(2 * std::numbers::pi * angle_word / 4294967296.0);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The Q of a QR decomposition of a matrix of normal numbers, by the modified Gram-Schmidt process.
// R then has a positive diagonal, which makes Q uniformly distributed (Mezzadri, Notices of the AMS
// 54(5), 2007). Such matrices are conditioned well enough that doubles leave Q orthogonal to far
// below the precision of a float. Each of the fewer of rows and columns is contiguous in `vectors`.
std::vector<float> draw_orthogonal(std::size_t rows, std::size_t columns, RandomKey key) {
  const bool tall = rows > columns;
  const std::size_t count = tall ? columns : rows, length = tall ? rows : columns;
  std::vector<double> vectors(count * length);
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = normal_element(key, i);
  const auto vector = [&](std::size_t i) {
    return std::span<double>(vectors).subspan(i * length, length);
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<double> current = vector(i);
    const double norm = std::sqrt(dot(current, current));
    for (double& element : current) element /= norm;
    for (std::size_t j = i + 1; j < count; ++j) {
      const std::span<double> later = vector(j);
      const double overlap = dot(current, later);
      for (std::size_t k = 0; k < length; ++k) later[k] -= overlap * current[k];
    }
  }
  std::vector<float> matrix(count * length);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      matrix[row * columns + column] =
          static_cast<float>(tall ? vector(column)[row] : vector(row)[column]);
  return matrix;
}

std::vector<float> draw_uniform(std::size_t count, double limit, RandomKey key) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>((2.0 * uniform_from_word(random_word(key, 0, i)) - 1.0) * limit);
  return values;
}

std::vector<float> draw_normal(std::size_t count, double deviation, RandomKey key) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(deviation * normal_element(key, i));
  return values;
}

}  // namespace

Initializer Initializer::parse(std::string_view text) {
  if (text == "zeros") return zeros();
  if (text == "ones") return constant(1);
  const std::string_view stem = text.substr(0, text.find(':'));
  for (const Name& name : kNames) {
    if (stem != name.text || name.has_value != (stem.size() < text.size())) continue;
    if (!name.has_value) return {name.kind};
    const double value = parse_value(text.substr(stem.size() + 1), text);
    if (name.kind != Kind::constant && !(value > 0))
      throw UsageError(fmt::format("initializer '{}': expected a number above 0", text));
    return {name.kind, value};
  }
  fail(text);
}

std::string Initializer::to_string() const {
  if (kind == Kind::constant && value == 0) return "zeros";
  if (kind == Kind::constant && value == 1) return "ones";
  for (const Name& name : kNames)
    if (name.kind == kind)
      return name.has_value ? fmt::format("{}:{}", name.text, value) : std::string(name.text);
  throw InternalError("an initializer outside its enumeration");
}

std::vector<float> draw(const Initializer& initializer, std::int64_t count, std::int64_t fan_in,
                        std::int64_t fan_out, RandomKey key) {
  const auto size = static_cast<std::size_t>(count);
  const double in = static_cast<double>(fan_in), both = static_cast<double>(fan_in + fan_out);
  switch (initializer.kind) {
    case Kind::constant:
      return std::vector<float>(size, static_cast<float>(initializer.value));
    case Kind::uniform:
      return draw_uniform(size, initializer.value, key);
    case Kind::normal:
      return draw_normal(size, initializer.value, key);
    case Kind::glorot_uniform:
      return draw_uniform(size, std::sqrt(6 / both), key);
    case Kind::glorot_normal:
      return draw_normal(size, std::sqrt(2 / both), key);
    case Kind::he_uniform:
      return draw_uniform(size, std::sqrt(6 / in), key);
    case Kind::he_normal:
      return draw_normal(size, std::sqrt(2 / in), key);
    case Kind::he_normal_out:
      return draw_normal(size, std::sqrt(2 / static_cast<double>(fan_out)), key);
    case Kind::unit_forget: {
      std::vector<float> values(size);
      std::fill(values.begin() + static_cast<std::ptrdiff_t>(size / 4),
                values.begin() + static_cast<std::ptrdiff_t>(size / 2), 1.0f);
      return values;
    }
    case Kind::orthogonal:
      break;
  }
  if (count != fan_in * fan_out)
    throw UsageError(
        fmt::format("an orthogonal initializer for {} elements, expected a matrix of {} by {}",
                    count, fan_in, fan_out));
  return draw_orthogonal(static_cast<std::size_t>(fan_in), static_cast<std::size_t>(fan_out), key);
}

}  // namespace engine
