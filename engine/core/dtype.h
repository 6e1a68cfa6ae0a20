// Element types of tensors, and the visitor by which code is instantiated for the ones it supports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/bfloat16.h"
#include "engine/core/error.h"

namespace engine {

enum class DType : std::uint8_t { f32, f64, i32, i64, u8, u32, bf16 };

/// "f32", "u8", …: the spelling used in printed graphs, problem keys and model files.
std::string_view dtype_name(DType dtype);
/// The inverse of dtype_name; throws UsageError for an unknown name.
DType dtype_from_name(std::string_view name);
/// Bytes of one element.
std::size_t dtype_size(DType dtype);
/// Whether gradients can flow through tensors of this type.
constexpr bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16;
}

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<bfloat16> {
  static constexpr DType value = DType::bf16;
};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// Calls `visitor(T{})` with the C++ type of `dtype`; `where` names the op in the error.
template <class Visitor>
decltype(auto) visit_dtype(DType dtype, std::string_view where, Visitor&& visitor) {
  switch (dtype) {
    case DType::f32:
      return visitor(float{});
    case DType::f64:
      return visitor(double{});
    case DType::i32:
      return visitor(std::int32_t{});
    case DType::i64:
      return visitor(std::int64_t{});
    case DType::u8:
      return visitor(std::uint8_t{});
    case DType::u32:
      return visitor(std::uint32_t{});
    case DType::bf16:
      return visitor(bfloat16{});
  }
  throw InternalError(std::string(where) + ": a dtype outside its enumeration");
}

}  // namespace engine
