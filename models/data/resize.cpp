#include "models/data/resize.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/cpu/simd.h"

namespace engine {
namespace {

/// The pixels that one pixel of the result is a mean of, and their weights, which add up to 1.
struct Window {
  std::int32_t first;
  std::vector<float> weights;
};

std::vector<Window> windows(std::int32_t from, std::int32_t to) {
  const double scale = static_cast<double>(from) / to;
  const double reach = std::max(scale, 1.0);
  std::vector<Window> result;
  for (std::int32_t i = 0; i < to; ++i) {
    const double center = (i + 0.5) * scale;
    const auto first = std::max(0, static_cast<std::int32_t>(center - reach + 0.5));
    const auto last = std::min(from, static_cast<std::int32_t>(center + reach + 0.5));
    std::vector<double> weights;
    double total = 0;
    for (std::int32_t j = first; j < last; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs(j + 0.5 - center) / reach));
      total += weights.back();
    }
    Window window{first, {}};
    for (double weight : weights) window.weights.push_back(static_cast<float>(weight / total));
    result.push_back(std::move(window));
  }
  return result;
}

// sums += weight * from, a loop over neighbours.
ENGINE_SIMD_CLONES
void add_row(const std::uint8_t* from, float weight, float* sums, std::size_t count) {
  ENGINE_SIMD_LOOP
  for (std::size_t i = 0; i < count; ++i) sums[i] += weight * static_cast<float>(from[i]);
}

/// Bytes [height, width, channels] to f32 [to, width, channels], by adding up whole rows.
std::vector<float> resize_columns(const Image& image, const std::vector<Window>& rows) {
  const std::size_t row =
      static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
  std::vector<float> out(rows.size() * row);
  float* to = out.data();
  for (const Window& window : rows) {
    const std::uint8_t* from = image.pixels.data() + static_cast<std::size_t>(window.first) * row;
    for (float weight : window.weights) {
      add_row(from, weight, to, row);
      from += row;
    }
    to += row;
  }
  return out;
}

/// A row, whose sums stay in registers.
template <std::size_t channels>
void resize_row(const float* row, const std::vector<Window>& columns, std::uint8_t* out) {
  for (const Window& window : columns) {
    const float* from = row + static_cast<std::size_t>(window.first) * channels;
    std::array<float, channels> sums;
    sums.fill(0.5f);
    for (float weight : window.weights)
      for (float& sum : sums) sum += weight * *from++;
    for (float sum : sums) *out++ = static_cast<std::uint8_t>(std::clamp(sum, 0.0f, 255.0f));
  }
}

}  // namespace

Image resize(const Image& image, std::int32_t height, std::int32_t width) {
  if (image.height == height && image.width == width) return image;
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t from_row = static_cast<std::size_t>(image.width) * channels;
  const std::size_t to_row = static_cast<std::size_t>(width) * channels;
  const std::vector<Window> columns = windows(image.width, width);
  const std::vector<float> rows = resize_columns(image, windows(image.height, height));
  Image result{height, width, image.channels,
               std::vector<std::uint8_t>(static_cast<std::size_t>(height) * to_row)};
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y)
    (channels == 3 ? resize_row<3> : resize_row<1>)(rows.data() + y * from_row, columns,
                                                    result.pixels.data() + y * to_row);
  return result;
}

}  // namespace engine
