#include "engine/core/tensor.h"

namespace engine {

std::size_t TensorType::bytes() const {
  return static_cast<std::size_t>(checked_multiply(
      element_count(), static_cast<std::int64_t>(dtype_size(dtype)), "tensor size in bytes"));
}

std::string TensorType::to_string() const {
  std::string text = std::string(dtype_name(dtype)) + shape.to_string();
  if (layout != Layout::row_major) text.append(" ").append(layout_name(layout));
  return text;
}

std::array<std::int64_t, Shape::kMaxRank> TensorType::strides() const {
  std::array<std::int64_t, Shape::kMaxRank> strides{};
  for (int axis = 0; axis < shape.rank(); ++axis)
    strides[static_cast<std::size_t>(axis)] = shape.elements_after(axis);
  if (layout == Layout::channels_last) {
    for (int axis = 2; axis < shape.rank(); ++axis)
      strides[static_cast<std::size_t>(axis)] *= shape[1];
    strides[1] = 1;
  }
  return strides;
}

std::string_view layout_name(Layout layout) {
  return layout == Layout::row_major ? "row_major" : "channels_last";
}

Layout layout_from_name(std::string_view name) {
  for (Layout layout : {Layout::row_major, Layout::channels_last})
    if (layout_name(layout) == name) return layout;
  throw UsageError("unknown layout '" + std::string(name) +
                   "', expected row_major or channels_last");
}

}  // namespace engine
