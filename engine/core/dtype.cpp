#include "engine/core/dtype.h"

#include <array>
#include <utility>

namespace engine {
namespace {

struct Description {
  std::string_view name;
  std::size_t size;
};

// In the order of the enumeration.
constexpr std::array<Description, 7> kDescriptions{
    {{"f32", 4}, {"f64", 8}, {"i32", 4}, {"i64", 8}, {"u8", 1}, {"u32", 4}, {"bf16", 2}}};

const Description& describe(DType dtype) {
  return kDescriptions.at(static_cast<std::size_t>(dtype));
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  return describe(dtype).name;
}

std::size_t dtype_size(DType dtype) {
  return describe(dtype).size;
}

DType dtype_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kDescriptions.size(); ++i)
    if (kDescriptions[i].name == name) return static_cast<DType>(i);
  throw UsageError("unknown dtype '" + std::string(name) +
                   "'; expected f32, f64, bf16, i32, i64, u8 or u32");
}

}  // namespace engine
