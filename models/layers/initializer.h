// How parameters start. Weights are drawn on the host and uploaded, so that every device starts
// from the same bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/rng.h"

namespace engine {

/// With a layer's fans i (values that flow into a unit) and o (units that a value flows to):
///
///   glorot_uniform   uniform in ±sqrt(6 / (i + o))          Glorot and Bengio, AISTATS 2010
///   glorot_normal    normal, deviation sqrt(2 / (i + o))
///   he_uniform       uniform in ±sqrt(6 / i)                He, Zhang, Ren, Sun, ICCV 2015
///   he_normal        normal, deviation sqrt(2 / i)
///   he_normal_out    normal, deviation sqrt(2 / o): the same for gradients
///   orthogonal       an i×o matrix with orthonormal rows or columns, whichever are fewer,
///                    uniformly distributed among those       Saxe, McClelland, Ganguli, ICLR 2014
///   unit_forget      zeros, and ones in the second of four quarters: the bias of an LSTM, whose
///                    forget gate starts open           Jozefowicz, Zaremba, Sutskever, ICML 2015
///   constant:X, uniform:X (in ±X), normal:X (deviation X)
///
/// Normal means not truncated, where Keras cuts glorot_normal and he_normal at two deviations.
struct Initializer {
  enum class Kind {
    constant,
    uniform,
    normal,
    glorot_uniform,
    glorot_normal,
    he_uniform,
    he_normal,
    he_normal_out,
    orthogonal,
    unit_forget
  };
  Kind kind = Kind::constant;
  double value = 0;  ///< the X of the first three

  static Initializer zeros() { return {}; }
  static Initializer constant(double x) { return {Kind::constant, x}; }
  static Initializer uniform(double limit) { return {Kind::uniform, limit}; }
  static Initializer normal(double deviation) { return {Kind::normal, deviation}; }
  static Initializer glorot_uniform() { return {Kind::glorot_uniform}; }
  static Initializer glorot_normal() { return {Kind::glorot_normal}; }
  static Initializer he_uniform() { return {Kind::he_uniform}; }
  static Initializer he_normal() { return {Kind::he_normal}; }
  static Initializer he_normal_out() { return {Kind::he_normal_out}; }
  static Initializer orthogonal() { return {Kind::orthogonal}; }
  static Initializer unit_forget() { return {Kind::unit_forget}; }

  /// From one of the names above, "zeros" or "ones". Throws UsageError saying what is expected.
  static Initializer parse(std::string_view text);
  /// What parse() takes: "he_normal", "normal:0.05", "zeros".
  std::string to_string() const;

  bool operator==(const Initializer&) const = default;
};

/// `count` elements; element i depends on `key` and i alone, but for orthogonal matrices. The fans
/// are those of the layer. Throws UsageError for an orthogonal initializer of anything but
/// fan_in · fan_out elements.
std::vector<float> draw(const Initializer& initializer, std::int64_t count, std::int64_t fan_in,
                        std::int64_t fan_out, RandomKey key);

}  // namespace engine
