#include "models/data/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "engine/core/error.h"

namespace engine {

std::string padding_name(Padding padding) {
  return padding == Padding::left ? "left" : "right";
}

Padding padding_from_name(const std::string& name) {
  for (Padding padding : {Padding::left, Padding::right})
    if (name == padding_name(padding)) return padding;
  throw UsageError(fmt::format("no padding is called '{}'; expected left or right", name));
}

std::int64_t TextFormat::length() const {
  return std::accumulate(segments.begin(), segments.end(), std::int64_t{0});
}

std::string TextFormat::to_string() const {
  return fmt::format("vocabulary {}, segments [{}]", vocabulary, fmt::join(segments, ", "));
}

void place_tokens(std::span<const std::int32_t> text, Padding padding,
                  std::span<std::int32_t> segment) {
  const std::span<const std::int32_t> kept = text.last(std::min(text.size(), segment.size()));
  const std::size_t free = segment.size() - kept.size();
  std::fill(segment.begin(), segment.end(), kPaddingToken);
  std::copy(kept.begin(), kept.end(), segment.subspan(padding == Padding::left ? free : 0).begin());
}

}  // namespace engine
