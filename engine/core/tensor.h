// What a tensor is (TensorType) and where it is (TensorView). Neither owns memory; storage is the
// business of device buffers, of the state store and of the memory plan.
#pragma once

#include <cstddef>
#include <string>

#include "engine/core/dtype.h"
#include "engine/core/error.h"
#include "engine/core/shape.h"

namespace engine {

/// Shape and dtype of a dense row-major tensor.
struct TensorType {
  Shape shape;
  DType dtype = DType::f32;

  std::int64_t element_count() const { return shape.element_count(); }
  /// Bytes of storage; throws ShapeError on overflow.
  std::size_t bytes() const;
  std::string to_string() const;  ///< "f32[128, 784]"

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
