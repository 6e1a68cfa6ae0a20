#include "engine/core/tensor.h"

namespace engine {

std::size_t TensorType::bytes() const {
  return static_cast<std::size_t>(checked_multiply(
      element_count(), static_cast<std::int64_t>(dtype_size(dtype)), "tensor size in bytes"));
}

std::string TensorType::to_string() const {
  return std::string(dtype_name(dtype)) + shape.to_string();
}

}  // namespace engine
