// The extents of a tensor: up to eight non-negative 64-bit sizes, the first varying slowest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace engine {

class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;  ///< A scalar: rank 0, one element.
  /// Throws ShapeError for a negative extent, more than kMaxRank of them, or a product that
  /// overflows.
  Shape(std::initializer_list<std::int64_t> extents)
      : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  /// Extent of `axis`; negative axes count from the back. Throws ShapeError outside the rank.
  std::int64_t operator[](int axis) const;
  std::span<const std::int64_t> extents() const {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }
  /// Product of the extents (1 for a scalar); known not to overflow.
  std::int64_t element_count() const { return element_count_; }
  /// Product of all extents after `axis`: the number of elements of one slice along it.
  std::int64_t elements_after(int axis) const;
  std::string to_string() const;  ///< "[128, 784]"

  bool operator==(const Shape&) const = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
  std::int64_t element_count_ = 1;
};

/// a * b for sizes read from outside; throws ShapeError naming `what` when it does not fit 64 bits.
std::int64_t checked_multiply(std::int64_t a, std::int64_t b, const char* what);

}  // namespace engine
