#include "models/data/checks.h"

#include <fmt/format.h>

#include <vector>

#include "engine/core/error.h"

namespace engine {
namespace {

std::vector<std::int64_t> without_ones(const Shape& shape) {
  std::vector<std::int64_t> out;
  for (std::int64_t extent : shape.extents())
    if (extent != 1) out.push_back(extent);
  return out;
}

}  // namespace

bool reads_as(const Shape& stored, const Shape& wanted) {
  if (wanted.rank() == 1) return stored.element_count() == wanted.element_count();
  return without_ones(stored) == without_ones(wanted);
}

ByteSink checked_labels(int classes, const std::string& path, const ByteSink& sink) {
  return [classes, path, &sink,
          observation = std::size_t{0}](std::span<const std::byte> bytes) mutable {
    for (std::byte byte : bytes) {
      if (std::to_integer<int>(byte) >= classes)
        throw DataError(fmt::format("{}: label {} of observation {}, expected one below {}", path,
                                    std::to_integer<int>(byte), observation, classes));
      ++observation;
    }
    sink(bytes);
  };
}

}  // namespace engine
