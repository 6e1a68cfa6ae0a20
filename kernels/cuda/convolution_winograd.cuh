// The kernels around the products of Winograd's convolution: transforms into the workspace and
// back.
//
// A transformed tensor is [point][outer][inner], the inner extent a multiple of four that holds
// zeros beyond the tensor. Images with channels last become [point][tile][channel], row-major ones
// [point][channel][tile], so that neighbouring threads touch neighbours on both sides.
#pragma once

#include "kernels/cuda/coordinates.cuh"
#include "kernels/cuda/image_epilogue.cuh"
#include "kernels/cuda/quad.cuh"
#include "kernels/winograd.h"

namespace engine::cuda {

/// How a transformed tensor is indexed by threads, one an (outer, inner) pair.
struct PointMatrix {
  float* data;
  int outer, inner;  ///< inner: with its padding
  Divisor by_inner;
  std::int64_t stride;  ///< from point to point: outer * inner, and what may follow

  struct Index {
    int outer, inner;
  };
  /// Of the calling thread; outer == this->outer where there is nothing left to do.
  __device__ Index index() const {
    const std::int64_t thread = global_thread();
    if (thread >= static_cast<std::int64_t>(outer) * inner) return {outer, 0};
    int i = static_cast<int>(thread);
    const int o = by_inner.split(i);
    return {o, i};
  }
  __device__ float* at(Index index) const {
    return data + static_cast<std::int64_t>(index.outer) * inner + index.inner;
  }
};

/// Images cut into tiles of positions, one after the other along rows, columns and samples.
struct TiledImages {
  bool channels_inner;  ///< of the point matrix
  int tiles, channels;
  Grid4 grid;  ///< (n, _, tile row, tile column)
  int extent[2];
  int begin[2];  ///< of the first tile, which may lie outside the extents
  std::int64_t sample_stride, channel_stride, stride[2];

  struct Place {
    std::int64_t offset;  ///< of (row 0, column 0) of the sample and channel
    int row, column;      ///< where the tile begins
    int sample, channel;
    bool exists;  ///< or there is only padding
  };
  template <int kTile>
  __device__ Place place(PointMatrix::Index index) const {
    const int tile = channels_inner ? index.outer : index.inner;
    const int channel = channels_inner ? index.inner : index.outer;
    const Grid4::Place p = grid.place(tile);
    return {p.outer * sample_stride + channel * channel_stride,
            begin[0] + p.at[1] * kTile,
            begin[1] + p.at[2] * kTile,
            p.outer,
            channel,
            tile < tiles && channel < channels};
  }
  __device__ bool contains(int row, int column) const {
    return static_cast<unsigned>(row) < static_cast<unsigned>(extent[0]) &&
           static_cast<unsigned>(column) < static_cast<unsigned>(extent[1]);
  }
  __device__ std::int64_t offset(int row, int column) const {
    return row * stride[0] + column * stride[1];
  }
  template <int kSize, class T>
  __device__ void load(const T* x, const Place& place, float (&values)[kSize][kSize]) const {
#pragma unroll
    for (int i = 0; i < kSize; ++i)
#pragma unroll
      for (int j = 0; j < kSize; ++j) {
        const int row = place.row + i, column = place.column + j;
        values[i][j] = place.exists && contains(row, column)
                           ? static_cast<float>(x[place.offset + offset(row, column)])
                           : 0.0f;
      }
  }
};

template <int kPoints>
__device__ void store_points(const PointMatrix& matrix, PointMatrix::Index index,
                             const float (&values)[kPoints][kPoints]) {
#pragma unroll
  for (int i = 0; i < kPoints; ++i)
#pragma unroll
    for (int j = 0; j < kPoints; ++j)
      matrix.at(index)[(i * kPoints + j) * matrix.stride] = values[i][j];
}

template <int kPoints>
__device__ void load_points(const PointMatrix& matrix, PointMatrix::Index index,
                            float (&values)[kPoints][kPoints]) {
#pragma unroll
  for (int i = 0; i < kPoints; ++i)
#pragma unroll
    for (int j = 0; j < kPoints; ++j)
      values[i][j] = matrix.at(index)[(i * kPoints + j) * matrix.stride];
}

/// v = Bᵀ x B
template <class F, class T>
__global__ void transform_input_kernel(const TiledImages images, const T* x, const PointMatrix v) {
  const auto index = v.index();
  if (index.outer == v.outer) return;
  float tile[F::kPoints][F::kPoints], points[F::kPoints][F::kPoints];
  images.load(x, images.place<F::kTile>(index), tile);
  transform_square<typename F::Data>(tile, points);
  store_points(v, index, points);
}

/// z = A dy Aᵀ
template <class F, class T>
__global__ void transform_output_gradient_kernel(const TiledImages images, const T* dy,
                                                 const PointMatrix z) {
  const auto index = z.index();
  if (index.outer == z.outer) return;
  float tile[F::kTile][F::kTile], points[F::kPoints][F::kPoints];
  images.load(dy, images.place<F::kTile>(index), tile);
  transform_square<typename F::ResultGradient>(tile, points);
  store_points(z, index, points);
}

/// Weights [K, C, 3, 3] seen as a matrix of filters.
struct FilterMatrix {
  int rows, columns;
  std::int64_t row_stride, column_stride;
};

/// u = G w Gᵀ; `turned`: of the filter turned by 180 degrees. `round`: to bf16 before.
template <class F>
__global__ void transform_filter_kernel(const FilterMatrix filters, const float* w, bool turned,
                                        bool round, const PointMatrix u) {
  const auto index = u.index();
  if (index.outer == u.outer) return;
  float filter[3][3] = {}, points[F::kPoints][F::kPoints];
  if (index.outer < filters.rows && index.inner < filters.columns) {
    const float* from = w + index.outer * filters.row_stride + index.inner * filters.column_stride;
#pragma unroll
    for (int i = 0; i < 9; ++i) {
      const float value = from[turned ? 8 - i : i];
      filter[i / 3][i % 3] = round ? static_cast<float>(bfloat16(value)) : value;
    }
  }
  transform_filter<F>(filter, points);
  store_points(u, index, points);
}

/// y = epilogue(values), of a tile.
template <int kTile, class T>
__device__ void store_tile(const TiledImages& images, const TiledImages::Place& place,
                           const float (&values)[kTile][kTile], const ImageEpilogue& epilogue,
                           T* y) {
  const std::int64_t plane =
      static_cast<std::int64_t>(place.sample) * images.channels + place.channel;
  const float bias = epilogue.bias_of(place.channel);
#pragma unroll
  for (int i = 0; i < kTile; ++i)
#pragma unroll
    for (int j = 0; j < kTile; ++j) {
      const int row = place.row + i, column = place.column + j;
      if (!images.contains(row, column)) continue;
      const std::int64_t element = (plane * images.extent[0] + row) * images.extent[1] + column;
      y[place.offset + images.offset(row, column)] = T(epilogue.apply(values[i][j], bias, element));
    }
}

/// y = epilogue(Aᵀ m A)
template <class F, class T>
__global__ void transform_output_kernel(const PointMatrix m, const TiledImages images, T* y,
                                        const ImageEpilogue epilogue) {
  const auto index = m.index();
  if (index.outer == m.outer) return;
  const auto place = images.place<F::kTile>(index);
  if (!place.exists) return;
  float points[F::kPoints][F::kPoints], tile[F::kTile][F::kTile];
  load_points(m, index, points);
  transform_square<typename F::Result>(points, tile);
  store_tile(images, place, tile, epilogue, y);
}

/// dw = Gᵀ u G, of the sum of the splits of u. Below the last row of each point of u lie the sums
/// of the columns of what was multiplied; those of A dy Aᵀ at the point (1, 1) are sums of all dy.
template <class F>
__global__ void transform_filter_gradient_kernel(const PointMatrix u, int splits,
                                                 std::int64_t split_stride,
                                                 const FilterMatrix filters, float* dw, float* db) {
  PointMatrix part = u;
  const auto index = u.index();
  if (index.outer == u.outer || index.inner >= filters.columns) return;
  if (index.outer >= filters.rows) {
    if (index.outer != u.outer - 1) return;
    float sum = 0;
    for (int split = 0; split < splits; ++split)
      sum += u.at(index)[split * split_stride + (F::kPoints + 1) * u.stride];
    db[index.inner] = sum;
    return;
  }
  float sum[F::kPoints][F::kPoints], filter[3][3];
  load_points(part, index, sum);
  for (int split = 1; split < splits; ++split) {
    part.data += split_stride;
    float points[F::kPoints][F::kPoints];
    load_points(part, index, points);
#pragma unroll
    for (int i = 0; i < F::kPoints * F::kPoints; ++i)
      sum[i / F::kPoints][i % F::kPoints] += points[i / F::kPoints][i % F::kPoints];
  }
  transform_filter_gradient<F>(sum, filter);
  float* to = dw + index.outer * filters.row_stride + index.inner * filters.column_stride;
#pragma unroll
  for (int i = 0; i < 9; ++i) to[i] = filter[i / 3][i % 3];
}

}  // namespace engine::cuda
