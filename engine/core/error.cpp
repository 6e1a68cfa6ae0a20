#include "engine/core/error.h"

#include <fmt/format.h>

namespace engine::detail {

void fail_check(const char* expression, const char* file, int line, const std::string& message) {
  throw InternalError(fmt::format("{} ({} is false at {}:{})", message, expression, file, line));
}

}  // namespace engine::detail
