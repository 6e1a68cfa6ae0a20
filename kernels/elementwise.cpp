#include "kernels/elementwise.h"

#include <fmt/format.h>

#include "engine/core/error.h"

namespace engine {

std::span<const ElementwiseFunction> elementwise_functions() {
#define ENGINE_ROW(name_, ...) {elementwise::name_::name, elementwise::name_::reads},
  static constexpr ElementwiseFunction functions[] = {ENGINE_ELEMENTWISE_TABLE(ENGINE_ROW)};
#undef ENGINE_ROW
  return functions;
}

const ElementwiseFunction& find_elementwise_function(std::string_view name) {
  std::string known;
  for (const ElementwiseFunction& function : elementwise_functions()) {
    if (function.name == name) return function;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", function.name);
  }
  throw UsageError(fmt::format("no element-wise function '{}'; there are {}", name, known));
}

}  // namespace engine
