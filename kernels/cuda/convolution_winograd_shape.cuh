// A convolution as Winograd's algorithm sees it: what is read and written in which tiles, and by
// how much the transforms amplify errors.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/convolution.h"
#include "kernels/cuda/convolution_filters.h"
#include "kernels/cuda/convolution_winograd.cuh"
#include "kernels/cuda/images.cuh"

namespace engine::cuda {

inline constexpr int kTransformThreads = 128;

/// The absolute values of the matrix of a transform, and their sums by rows.
template <class Transform, int kIn, int kOut>
struct MatrixOf {
  double entry[kOut][kIn], sum[kOut] = {};

  template <class Divisor>
  explicit MatrixOf(const Divisor& divisor) {
    for (int j = 0; j < kIn; ++j) {
      double unit[kIn] = {}, column[kOut];
      unit[j] = 1;
      Transform::apply(unit, column);
      for (int i = 0; i < kOut; ++i) {
        entry[i][j] = std::abs(column[i] / divisor(i));
        sum[i] += entry[i][j];
      }
    }
  }
  MatrixOf() : MatrixOf([](int) { return 1.0; }) {}
};

/// What transforms multiply rounding errors by, per dimension: with elements of one magnitude, a
/// result is made of Σ_p |last[i][p]| · sum of |first[p]| · sum of |second[p]| of it, in place of
/// the `terms` of the definition.
template <class Last, class First, class Second>
double amplify(const Last& last, const First& first, const Second& second, int terms) {
  double most = 0;
  for (const auto& row : last.entry) {
    double sum = 0;
    for (std::size_t p = 0; p < std::size(row); ++p) sum += row[p] * first.sum[p] * second.sum[p];
    most = std::max(most, sum / terms);
  }
  return most;
}

template <class F>
double amplification(bool weight) {
  constexpr int kPoints = F::kPoints, kTile = F::kTile;
  const MatrixOf<typename F::Data, kPoints, kPoints> data;
  const MatrixOf<typename F::FilterGradient, kPoints, 3> filter_gradient(
      [](int) { return F::kDivisor; });
  const double one = weight ? amplify(filter_gradient, data,
                                      MatrixOf<typename F::ResultGradient, kTile, kPoints>(), kTile)
                            : amplify(MatrixOf<typename F::Result, kPoints, kTile>(), data,
                                      MatrixOf<typename F::Filter, 3, kPoints>(
                                          [](int point) { return F::divisor(point); }),
                                      3);
  return one * one;
}

/// A problem as products: what is read and written, and the extents that come of it.
struct WinogradShape {
  ConvolutionGeometry g;
  bool weight, forward, bf16;
  std::int64_t tile_rows, tile_columns, tiles;
  std::int64_t read, made;  ///< channels; of the weight gradient: both are read
  bool channels_inner;
  std::int64_t m, n, k;

  WinogradShape(const Problem& problem, int tile)
      : g(ConvolutionGeometry::of(problem)),
        weight(problem.op == "convolution_weight_gradient"),
        forward(problem.op == "convolution"),
        bf16(multiplies_bfloat16(problem)) {
    const Extents3& made_extents = weight || forward ? g.output : g.input;
    tile_rows = ceil_div<std::int64_t>(made_extents[1], tile);
    tile_columns = ceil_div<std::int64_t>(made_extents[2], tile);
    tiles = g.batch * tile_rows * tile_columns;
    read = weight || forward ? g.inputs : g.outputs;
    made = weight || forward ? g.outputs : g.inputs;
    channels_inner = weight || g.layout == Layout::channels_last;
    m = weight ? quads(read) : channels_inner ? tiles : quads(made);
    n = channels_inner ? quads(made) : quads(tiles);
    k = weight ? tiles : channels_inner ? quads(read) : read;
  }

  // Of one point, in floats.
  std::int64_t read_floats() const {
    return channels_inner ? tiles * quads(read) : read * quads(tiles);
  }
  std::int64_t others() const { return weight ? tiles * quads(made) : k * quads(made); }
  std::int64_t products() const { return (m + (weight ? 1 : 0)) * n; }

  /// Images of `channels`, cut into the tiles of the result, which begin `margin` before them.
  TiledImages tiled(const Extents3& extents, std::int64_t channels, std::int64_t row_margin,
                    std::int64_t column_margin) const {
    const ImageStrides strides = ImageStrides::of(g.layout, channels, extents);
    TiledImages t{};
    t.channels_inner = channels_inner;
    t.tiles = static_cast<int>(tiles);
    t.channels = static_cast<int>(channels);
    t.grid = Grid4(1, tile_rows, tile_columns);
    t.begin[0] = static_cast<int>(-row_margin);
    t.begin[1] = static_cast<int>(-column_margin);
    for (std::size_t d = 0; d < 2; ++d) {
      t.extent[d] = static_cast<int>(extents[d + 1]);
      t.stride[d] = strides.spatial[d + 1];
    }
    t.sample_stride = strides.sample;
    t.channel_stride = strides.channel;
    return t;
  }

  /// What the transform into the workspace reads; the window over dy of a filter turned around
  /// starts 2 - padding before.
  TiledImages images_read() const {
    const auto& padding = g.window.padding_before;
    const bool gradient = !weight && !forward;
    return tiled(gradient ? g.output : g.input, read, gradient ? 2 - padding[1] : padding[1],
                 gradient ? 2 - padding[2] : padding[2]);
  }
  /// What has a tile's results, or their gradients.
  TiledImages images_made() const {
    return tiled(weight || forward ? g.output : g.input, made, 0, 0);
  }
  /// The filters as they enter the product: rows of channels read, columns of channels made.
  FilterMatrix filters() const {
    const std::int64_t output = 9 * g.inputs, input = 9;
    const bool gradient = !weight && !forward;
    return {static_cast<int>(read), static_cast<int>(made), gradient ? output : input,
            gradient ? input : output};
  }
};

/// Why a problem is not one for Winograd's algorithm, or "".
inline std::string refuse_winograd(const WinogradShape& s) {
  const ConvolutionGeometry& g = s.g;
  const WindowAttributes& window = g.window;
  if (g.filter != Extents3{1, 3, 3} || g.input[0] != 1 || g.output[0] != 1)
    return "the filter is not 3x3 over two dimensions";
  if (window.stride[1] != 1 || window.stride[2] != 1) return "a stride";
  if (window.dilation[1] != 1 || window.dilation[2] != 1) return "a dilated filter";
  if (g.groups != 1) return "several groups";
  if (std::string why = refuse_huge_convolution(g); !why.empty()) return why;
  if (std::max({s.read_floats(), s.others(), s.products(), s.tiles}) > INT32_MAX - 1024)
    return "transformed tensors too large for 32-bit indices";
  return "";
}

inline PointMatrix point_matrix(float* data, std::int64_t outer, std::int64_t inner) {
  return {data, static_cast<int>(outer), static_cast<int>(inner),
          Divisor(std::max<std::int64_t>(inner, 1)), outer * inner};
}

template <class... Parameters, class... Arguments>
void run_points(const char* name, void (*kernel)(Parameters...), const PointMatrix& matrix,
                Stream& stream, const Arguments&... arguments) {
  const std::int64_t threads = static_cast<std::int64_t>(matrix.outer) * matrix.inner;
  run(name, kernel, dim3(static_cast<unsigned>(ceil_div<std::int64_t>(threads, kTransformThreads))),
      kTransformThreads, native_stream(stream), arguments...);
}

/// Calls run(T{}) for what images are stored as.
template <class Run>
void for_type(const TensorView& images, const Run& run) {
  images.type.dtype == DType::bf16 ? run(bfloat16()) : run(float());
}

}  // namespace engine::cuda
