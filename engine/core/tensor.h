// What a tensor is (TensorType) and where it is (TensorView). Neither owns memory; storage is the
// business of device buffers, of the state store and of the memory plan.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/dtype.h"
#include "engine/core/error.h"
#include "engine/core/shape.h"

namespace engine {

/// The order in which the elements of a dense tensor are stored. The shape, and the number of an
/// element (what drop-out draws by), are the same in either.
enum class Layout : std::uint8_t {
  row_major,      ///< as the shape says: [N, C, H, W] with W innermost
  channels_last,  ///< axis 1 innermost: [N, C, H, W] stored as N, H, W, C. Of rank 3 or more.
};
std::string_view layout_name(Layout layout);
/// The inverse of layout_name; throws UsageError for an unknown name.
Layout layout_from_name(std::string_view name);

/// Shape, dtype and layout of a dense tensor.
struct TensorType {
  Shape shape;
  DType dtype = DType::f32;
  Layout layout = Layout::row_major;

  std::int64_t element_count() const { return shape.element_count(); }
  /// Bytes of storage; throws ShapeError on overflow.
  std::size_t bytes() const;
  std::string to_string() const;  ///< "f32[128, 784]", "f32[8, 3, 32, 32] channels_last"
  /// Distance between neighbours along each axis, in elements.
  std::array<std::int64_t, Shape::kMaxRank> strides() const;

  bool operator==(const TensorType&) const = default;
};

/// A typed pointer into memory of some device.
struct TensorView {
  TensorType type;
  void* data = nullptr;

  /// The elements as T; throws InternalError when T is not the dtype.
  template <class T>
  T* as() const {
    ENGINE_CHECK(type.dtype == dtype_of<T>,
                 "tensor accessed as another dtype than " + type.to_string());
    return static_cast<T*>(data);
  }
};

}  // namespace engine
