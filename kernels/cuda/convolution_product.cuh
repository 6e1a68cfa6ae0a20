// Convolution as a product (implicit GEMM), in the two forms that its three directions need:
//
//   correlation       y[position, channel] = windows of x · packed filters: the convolution itself,
//                     and its input gradient (see convolution_classes.h)
//   weight gradient   dw[tap, channel] = (windows of x)ᵀ · dz, summed over positions
//
// The main loop, the tiles and the accumulators are those of the dense product; groups lie along z.
#pragma once

#include "kernels/cuda/convolution_gather.cuh"
#include "kernels/cuda/dense_product.cuh"

namespace engine::cuda {

/// How images are read: channels last, four of them or one at a time, or row-major.
enum class Access { channel_quads, channels, planes };

/// Where results go, and what they go through before.
struct ImageStore {
  void* data;
  bool bf16;
  Grid4 positions;  ///< (n, t), as in Windows
  Divisor sample_positions;
  std::int64_t begin, sample_stride, step[3];  ///< in elements
  std::int64_t channel_stride;
  bool channel_quads, position_quads;  ///< four of those may be stored at once
  int channels, group_channels;
  const float* bias;  ///< one a channel, or none
  bool relu;
  DropoutMask dropout;  ///< only where a sample's positions come in quads

  __device__ std::int64_t offset(int row) const {
    const Grid4::Place p = positions.place(row);
    return begin + p.outer * sample_stride + p.at[0] * step[0] + p.at[1] * step[1] +
           p.at[2] * step[2];
  }
  __device__ float activate(float value, int channel) const {
    if (bias != nullptr) value += bias[channel];
    return relu && value <= 0.0f ? 0.0f : value;
  }
  /// Of four positions from `row` on, by the row-major number of the first.
  __device__ float4 drop(float4 values, int row, int channel) const {
    const int n = sample_positions.divide(row);
    const std::int64_t others = static_cast<std::int64_t>(n) * (channels - 1) + channel;
    return dropout.apply(values,
                         static_cast<std::uint64_t>(row + others * sample_positions.divisor()));
  }
};

struct Correlation {
  Windows x;
  const float* filters;  ///< [group][tap][filter_stride]
  std::int64_t filter_stride;
  int m, n, k;  ///< positions, channels of a group, taps
  ImageStore y;
};

/// A thread's 4 x 4 elements of c from (row, column) on.
template <class T, class Out>
__device__ void store_block(const ImageStore& y, Out* out, const std::int64_t (&offsets)[4],
                            float (&values)[4][4], int rows, int row, int column, int columns) {
  const int first_channel = static_cast<int>(blockIdx.z) * y.group_channels;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    if (column + j >= columns) continue;
    const int channel = first_channel + column + j;
#pragma unroll
    for (int i = 0; i < 4; ++i) values[i][j] = y.activate(values[i][j], channel);
    float4 quad = make_float4(values[0][j], values[1][j], values[2][j], values[3][j]);
    if (y.dropout.step != nullptr) {
      quad = y.drop(quad, row, channel);
      values[0][j] = quad.x;
      values[1][j] = quad.y;
      values[2][j] = quad.z;
      values[3][j] = quad.w;
    }
    if (y.channel_quads) continue;
    Out* const place = out + channel * y.channel_stride;
    if (y.position_quads) {
      store_floats(place + offsets[0], quad);
      continue;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (row + i < rows) place[offsets[i]] = Out(values[i][j]);
  }
  if (!y.channel_quads || column >= columns) return;
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (row + i < rows)
      store_floats(out + offsets[i] + first_channel + column,
                   make_float4(values[i][0], values[i][1], values[i][2], values[i][3]));
}

template <class T, class Out>
__device__ void store_images(const Correlation& p, Out* out, const Accumulator<T>& sums,
                             const Share<T>& share) {
#pragma unroll
  for (int g = 0; g < T::kGroupsM; ++g) {
    const int row = share.row + T::row(g);
    if (row >= p.m) continue;
    std::int64_t offsets[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) offsets[i] = p.y.offset(row + i);
#pragma unroll
    for (int h = 0; h < T::kGroupsN; ++h) {
      float values[4][4];
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) values[i][j] = sums.c[4 * g + i][4 * h + j];
      store_block<T>(p.y, out, offsets, values, p.m, row, share.column + T::column(h), p.n);
    }
  }
}

/// Grid: see Share; groups along z.
template <class T, class Element, Access kAccess>
__global__ void __launch_bounds__(T::kThreads, T::kLeastBlocks)
    correlation_kernel(const Correlation p) {
  using Stored = typename Element::Stored;
  constexpr bool kVector = kAccess == Access::channel_quads;
  const auto group = static_cast<std::int64_t>(blockIdx.z);
  const Share<T> share(p.n, p.k, p.k);
  const WindowMatrix<kAccess != Access::planes, false> x{
      p.x, static_cast<const Stored*>(p.x.data) + group * p.x.group_stride, p.m, p.k};
  // Filters are padded to quads.
  const Matrix<false> filters{p.filters + group * p.k * p.filter_stride, p.filter_stride, p.n, p.k};
  Accumulator<T> sums;
  multiply_share<T, Element, Plain<float>, kVector, true, false>(x, filters, share, false, sums);
  if (p.y.bf16)
    store_images(p, static_cast<bfloat16*>(p.y.data), sums, share);
  else
    store_images(p, static_cast<float*>(p.y.data), sums, share);
}

/// The result goes to partial sums [split][group][tap or, last, sum of dz][channel].
struct WeightProduct {
  Product product;           ///< of a group; c and column_sums are those of the first one
  std::int64_t group_slice;  ///< elements of partial sums from group to group
  Windows x;
  const void* dz;
  std::int64_t dz_group_stride;
  std::int64_t dz_stride;    ///< from sample to sample or, channels last, position to position
  Divisor sample_positions;  ///< row-major: neighbours, and from channel to channel
};

/// dz as the matrix [positions, channels] of one group.
template <class Stored, Access kAccess>
__device__ auto gradient_matrix(const WeightProduct& w, std::int64_t group, int k_end) {
  const Stored* data = static_cast<const Stored*>(w.dz) + group * w.dz_group_stride;
  if constexpr (kAccess == Access::planes)
    return PlaneMatrix{data, w.sample_positions, w.dz_stride, w.product.n, k_end};
  else
    return Matrix<false>{data, w.dz_stride, w.product.n, k_end};
}

/// Grid: see Share; groups along z.
template <class T, class Element, Access kAccess>
__global__ void __launch_bounds__(T::kThreads, T::kLeastBlocks)
    weight_kernel(const WeightProduct w) {
  using Stored = typename Element::Stored;
  constexpr bool kVector = kAccess == Access::channel_quads;
  const auto group = static_cast<std::int64_t>(blockIdx.z);
  Product p = w.product;
  p.c = static_cast<float*>(p.c) + group * w.group_slice;
  p.column_sums += group * w.group_slice;
  const Share<T> share(p.n, p.k, p.k_per_split);
  const WindowMatrix<kAccess == Access::planes, true> x{
      w.x, static_cast<const Stored*>(w.x.data) + group * w.x.group_stride, p.m, share.k_end};
  Accumulator<T> sums;
  multiply_share<T, Element, Element, kVector, kVector, true>(
      x, gradient_matrix<Stored, kAccess>(w, group, share.k_end), share, share.row == 0, sums);
  store_tile<false>(p, static_cast<float*>(p.c) + blockIdx.y * p.slice, sums, share.row,
                    share.column);
  if (share.row == 0) store_column_sums(p, sums, share.column);
}

}  // namespace engine::cuda
