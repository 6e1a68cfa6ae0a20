#include "kernels/gather.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace engine {
namespace {

// The shortest text that reads back as the same numbers.
std::string print_numbers(const std::vector<double>& numbers) {
  return fmt::format("{}", fmt::join(numbers, ","));
}

std::vector<double> parse_numbers(const std::string& text) {
  std::vector<double> numbers;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    double number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    ENGINE_CHECK(error == std::errc{} && (next == end || (*next == ',' && next + 1 != end)),
                 fmt::format("'{}' is no list of numbers", text));
    numbers.push_back(number);
    at = next == end ? end : next + 1;
  }
  return numbers;
}

}  // namespace

GatherAttributes GatherAttributes::from(const Attributes& attributes) {
  return {
      parse_numbers(attributes.text("scale")), parse_numbers(attributes.text("offset")),
      attributes.has("layout") ? layout_from_name(attributes.text("layout")) : Layout::row_major};
}

Attributes GatherAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("scale", print_numbers(scale)).set("offset", print_numbers(offset));
  if (layout != Layout::row_major) attributes.set("layout", std::string(layout_name(layout)));
  return attributes;
}

Normalization::Normalization(const GatherAttributes& attributes)
    : count(static_cast<std::int32_t>(attributes.scale.size())), scale{}, offset{} {
  ENGINE_CHECK(!attributes.scale.empty() && attributes.scale.size() <= kMost &&
                   attributes.scale.size() == attributes.offset.size(),
               "a gather without as many scales as offsets");
  for (std::size_t i = 0; i < attributes.scale.size(); ++i) {
    scale[i] = static_cast<float>(attributes.scale[i]);
    offset[i] = static_cast<float>(attributes.offset[i]);
  }
}

}  // namespace engine
