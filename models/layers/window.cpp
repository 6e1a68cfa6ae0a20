#include "models/layers/window.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "ops/convolution.h"

namespace engine {
namespace {

constexpr std::int64_t kMostPadding = 1 << 20;

// What the text says to put on every side, where it is a number.
std::optional<std::int64_t> padding_number(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < 0 || number > kMostPadding)
    return std::nullopt;
  return number;
}

}  // namespace

void check_extents(const char* option, const std::vector<std::int64_t>& extents) {
  constexpr std::int64_t most = 1 << 20;
  const bool sensible = std::all_of(extents.begin(), extents.end(),
                                    [](std::int64_t e) { return e >= 1 && e <= most; });
  if (!sensible || extents.empty() || extents.size() > 3)
    throw OptionError(option, extents, fmt::format("one to three numbers from 1 to {}", most));
}

void check_padding(const std::string& padding) {
  if (padding != kValid && padding != kSame && !padding_number(padding))
    throw OptionError("padding", padding,
                      fmt::format("\"{}\", \"{}\", or a number from \"0\" to \"{}\"", kValid, kSame,
                                  kMostPadding));
}

std::string print_padding(const std::string& padding) {
  if (padding == kValid) return "";
  return (padding == kSame ? " " : " padding ") + padding;
}

std::string print_extents(const std::vector<std::int64_t>& extents) {
  return fmt::format("{}", fmt::join(extents, "x"));
}

int expect_image_rank(const std::string& layer, const TensorType& x) {
  const int rank = x.shape.rank() - 2;
  if (rank < 1 || rank > 3)
    throw ShapeError(fmt::format(
        "{}: the input is {}, expected [batch, channels] and one to three spatial extents", layer,
        x.to_string()));
  return rank;
}

Extents3 spatial_option(const std::string& layer, const char* option,
                        const std::vector<std::int64_t>& values, int rank) {
  const auto count = static_cast<std::size_t>(rank);
  if (values.size() != 1 && values.size() != count)
    throw ShapeError(fmt::format("{}: '{}' is {}, expected 1 or {} numbers for this input", layer,
                                 option, option_text(values), rank));
  Extents3 result{1, 1, 1};
  for (std::size_t i = 0; i < count; ++i)
    result[3 - count + i] = values.size() == 1 ? values[0] : values[i];
  return result;
}

WindowAttributes make_window(const std::string& layer, const std::vector<std::int64_t>& stride,
                             const std::vector<std::int64_t>& dilation, const std::string& padding,
                             const Shape& shape, const Extents3& kernel) {
  WindowAttributes window;
  window.rank = shape.rank() - 2;
  window.stride = spatial_option(layer, "stride", stride, window.rank);
  window.dilation = spatial_option(layer, "dilation", dilation, window.rank);
  if (padding == kSame) ops::pad_to_same(window, spatial_extents(shape), kernel);
  if (const std::optional<std::int64_t> number = padding_number(padding))
    for (std::size_t d = 3 - static_cast<std::size_t>(window.rank); d < 3; ++d)
      window.padding_before[d] = window.padding_after[d] = *number;
  return window;
}

}  // namespace engine
