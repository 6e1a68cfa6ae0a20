#include "models/data/resize.h"

#include <algorithm>
#include <cmath>

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

/// Rows [height, width, channels] of bytes to f32 [height, to, channels].
std::vector<float> resize_rows(const Image& image, const std::vector<Window>& columns) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t stride = static_cast<std::size_t>(image.width) * channels;
  std::vector<float> out(static_cast<std::size_t>(image.height) * columns.size() * channels);
  float* to = out.data();
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y)
    for (const Window& window : columns) {
      const std::uint8_t* from =
          image.pixels.data() + y * stride + static_cast<std::size_t>(window.first) * channels;
      for (float weight : window.weights)
        for (std::size_t c = 0; c < channels; ++c) to[c] += weight * static_cast<float>(*from++);
      to += channels;
    }
  return out;
}

/// Adds up whole rows, which is a loop over neighbours.
void resize_columns(const std::vector<float>& rows, const std::vector<Window>& windows_of_rows,
                    std::size_t row, std::uint8_t* out) {
  std::vector<float> sums(row);
  for (const Window& window : windows_of_rows) {
    std::fill(sums.begin(), sums.end(), 0.5f);
    const float* from = rows.data() + static_cast<std::size_t>(window.first) * row;
    for (float weight : window.weights) {
      for (std::size_t i = 0; i < row; ++i) sums[i] += weight * from[i];
      from += row;
    }
    for (std::size_t i = 0; i < row; ++i)
      *out++ = static_cast<std::uint8_t>(std::clamp(sums[i], 0.0f, 255.0f));
  }
}

}  // namespace

Image resize(const Image& image, std::int32_t height, std::int32_t width) {
  if (image.height == height && image.width == width) return image;
  const std::vector<float> rows = resize_rows(image, windows(image.width, width));
  const std::size_t row =
      static_cast<std::size_t>(width) * static_cast<std::size_t>(image.channels);
  Image result{height, width, image.channels,
               std::vector<std::uint8_t>(static_cast<std::size_t>(height) * row)};
  resize_columns(rows, windows(image.height, height), row, result.pixels.data());
  return result;
}

}  // namespace engine
