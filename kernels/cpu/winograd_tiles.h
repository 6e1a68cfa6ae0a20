// Winograd's transforms over the channels of the tiles of channels-last images.
#pragma once

#include <cstdint>

namespace engine::cpu {

/// A 3 x 3 filter from every channel of x to every channel of y: element (y, x, r) lies at
/// data[y * y_stride + x * x_stride + r], r backwards if `rotated`.
struct FilterView {
  const float* data;
  std::int64_t y_stride, x_stride, x_channels, y_channels;
  bool rotated;
};

/// Matrices of a tile's points: that of point e starts at data + e * stride.
struct PointMatrices {
  float* data;
  std::int64_t stride;
};

/// A line of packed matrices (see PackedProduct) of `depth` lines.
struct PackedLine {
  PointMatrices to;
  std::int64_t line, depth;
};

/// Transforms for tiles of a size. Vectors of channels are whole: pixels that are read and points
/// have room up to the next multiple of the lanes.
struct WinogradTiles {
  int size;    ///< outputs along an edge
  int points;  ///< of a tile, (size + 2)²

  /// A tile of x, from pointers to its (size + 2)² pixels: a line of each matrix.
  void (*data)(const float* const* pixels, std::int64_t channels, const PointMatrices& to);
  /// A tile of dy, from pointers to its size² pixels.
  void (*result_gradient)(const float* const* pixels, std::int64_t channels, const PackedLine& to);
  /// The size² pixels of y (null: not wanted) from a line of each matrix; y = max(0, y) with
  /// `rectify`, where NaN is kept. `bias` may be null.
  void (*result)(const PointMatrices& from, const float* bias, bool rectify, std::int64_t channels,
                 float* const* pixels);
  /// What comes from channel to.line of x.
  void (*filter)(const FilterView& filter, const PackedLine& to);
  /// The gradient of the filters from one channel of x, from a line of each matrix: that to channel
  /// k of y goes to dw + k * channel_stride.
  void (*filter_gradient)(const PointMatrices& from, std::int64_t channels, float* dw,
                          std::int64_t channel_stride);
};

/// `size` is 2 or 4.
const WinogradTiles& winograd_tiles(int size);

}  // namespace engine::cpu
