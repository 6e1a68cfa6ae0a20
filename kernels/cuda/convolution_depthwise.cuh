// Convolution with one input channel a group (depthwise, with any number of outputs a channel) and
// its gradients. There is next to no arithmetic: what counts is that neighbouring threads touch
// neighbours.
//
//   channels last   lanes have neighbouring channels, four each where that is possible, at four
//                   neighbouring columns, so that a filter is read once for all of them
//   row-major       lanes have neighbouring positions of one channel
//
// Filters are packed, [tap][channel].
#pragma once

#include "kernels/cuda/channels.cuh"
#include "kernels/cuda/coordinates.cuh"
#include "kernels/cuda/image_epilogue.cuh"
#include "kernels/cuda/quad.cuh"

namespace engine::cuda {

inline constexpr int kDepthwiseThreads = 128;
/// As with small tiles of products: the compiler would rather spill than let go of a block.
inline constexpr int kLeastBlocks = 1;

/// x and dx, or y and dz.
struct DepthwiseImages {
  int channels, extent[3];
  std::int64_t sample_stride, channel_stride, spatial_stride[3];

  __device__ std::int64_t offset(int sample, int channel) const {
    return sample * sample_stride + channel * channel_stride;
  }
  __device__ std::int64_t offset(const int (&at)[3]) const {
    return at[0] * spatial_stride[0] + at[1] * spatial_stride[1] + at[2] * spatial_stride[2];
  }
};

struct DepthwiseWindow {
  int filter[3], stride[3], dilation[3], before[3];
  int multiplier;  ///< outputs a channel
  Divisor by_multiplier;

  /// The element of x in tap r of window p; false outside `extent`.
  __device__ bool forward(int d, int p, int r, int extent, int& at) const {
    at = p * stride[d] + r * dilation[d] - before[d];
    return at >= 0 && at < extent;
  }
  /// The window that has x's element s in tap r; false where there is none.
  __device__ bool backward(int d, int s, int r, int extent, int& at) const {
    const int from = s + before[d] - r * dilation[d];
    at = stride[d] == 1 ? from : from / stride[d];
    return from >= 0 && at < extent && (stride[d] == 1 || at * stride[d] == from);
  }
  template <bool kForward>
  __device__ bool source(int d, int result, int r, int extent, int& at) const {
    return kForward ? forward(d, result, r, extent, at) : backward(d, result, r, extent, at);
  }
};

/// y of x (forward), or dx of dz.
struct Depthwise {
  DepthwiseWindow window;
  DepthwiseImages read, made;
  const float* filters;
  std::int64_t filter_stride;
  bool channels_inner;
  Divisor by_channels;  ///< groups of kWidth channels of `made`
  Grid4 grid;           ///< (n or (n, channel), plane, row, group of kColumns columns) of `made`
  std::int64_t threads;
  ImageEpilogue epilogue;  ///< forward
};

/// Where a thread's results are: kWidth channels at kColumns columns.
struct DepthwiseSite {
  int sample, channel, at[3];

  template <int kWidth, int kColumns>
  __device__ static DepthwiseSite of(const Depthwise& p, int index) {
    int channel = 0, outer = index;
    if (p.channels_inner) {
      channel = index;
      outer = p.by_channels.split(channel);
    }
    Grid4::Place place = p.grid.place(outer);
    if (!p.channels_inner) {
      channel = place.outer;
      place.outer = p.by_channels.split(channel);
    }
    return {place.outer, channel * kWidth, {place.at[0], place.at[1], place.at[2] * kColumns}};
  }
};

/// sums += the products of the taps of one row of the filter. Lanes whose element lies outside load
/// the nearest one, so that those of a warp go together.
template <bool kForward, int kWidth, int kColumns, class T>
__device__ void add_row(const Depthwise& p, const DepthwiseSite& site, const T* row,
                        const float* filters, float (&sums)[kColumns][kWidth]) {
  const int extent = p.read.extent[2];
  for (int r = 0; r < p.window.filter[2]; ++r, filters += p.filter_stride) {
    float w[kWidth];
    load_floats(filters, w);
#pragma unroll
    for (int q = 0; q < kColumns; ++q) {
      int at;
      const bool inside = p.window.template source<kForward>(2, site.at[2] + q, r, extent, at);
      at = at < 0 ? 0 : at < extent ? at : extent - 1;
      float x[kWidth];
      load_floats(row + at * p.read.spatial_stride[2], x);
#pragma unroll
      for (int c = 0; c < kWidth; ++c) sums[q][c] += inside ? x[c] * w[c] : 0.0f;
    }
  }
}

/// All products of channel `read` with the filters of output `output`.
template <bool kForward, int kWidth, int kColumns, class T>
__device__ void add_taps(const Depthwise& p, const DepthwiseSite& site, int read, int output,
                         const T* x, float (&sums)[kColumns][kWidth]) {
  const DepthwiseWindow& w = p.window;
  const T* image = x + p.read.offset(site.sample, read);
  for (int i = 0; i < w.filter[0]; ++i)
    for (int j = 0; j < w.filter[1]; ++j) {
      int at[3] = {0, 0, 0};
      if (!w.template source<kForward>(0, site.at[0], i, p.read.extent[0], at[0]) ||
          !w.template source<kForward>(1, site.at[1], j, p.read.extent[1], at[1]))
        continue;
      const std::int64_t tap = static_cast<std::int64_t>(i * w.filter[1] + j) * w.filter[2];
      add_row<kForward>(p, site, image + p.read.offset(at),
                        p.filters + tap * p.filter_stride + output, sums);
    }
}

template <bool kForward, int kWidth, int kColumns, class T, class Out>
__global__ void __launch_bounds__(kDepthwiseThreads, kLeastBlocks)
    depthwise_kernel(const Depthwise p, const T* x, Out* y) {
  const std::int64_t thread = global_thread();
  if (thread >= p.threads) return;
  const auto site = DepthwiseSite::of<kWidth, kColumns>(p, static_cast<int>(thread));
  float sums[kColumns][kWidth] = {};
  if constexpr (kForward) {
    add_taps<kForward>(p, site, p.window.by_multiplier.divide(site.channel), site.channel, x, sums);
  } else {
    for (int j = 0; j < p.window.multiplier; ++j) {
      const int output = site.channel * p.window.multiplier + j;
      add_taps<kForward>(p, site, output, output, x, sums);
    }
  }
  float bias[kWidth] = {};
  if constexpr (kForward) p.epilogue.load_bias(site.channel, p.made.channels, bias);
  const int* extent = p.made.extent;
#pragma unroll
  for (int q = 0; q < kColumns; ++q) {
    const int at[3] = {site.at[0], site.at[1], site.at[2] + q};
    if (at[2] >= extent[2]) break;
    if constexpr (kForward) {
      const std::int64_t position =
          (static_cast<std::int64_t>(at[0]) * extent[1] + at[1]) * extent[2] + at[2];
      const std::int64_t positions = static_cast<std::int64_t>(extent[0]) * extent[1] * extent[2];
#pragma unroll
      for (int c = 0; c < kWidth; ++c) {
        const int k = site.channel + c;
        const std::int64_t plane = static_cast<std::int64_t>(site.sample) * p.made.channels + k;
        sums[q][c] = p.epilogue.apply(sums[q][c], bias[c], plane * positions + position);
      }
    }
    Out* to = y + p.made.offset(site.sample, site.channel) + p.made.offset(at);
    if constexpr (kWidth == 4)
      store_floats(to, make_float4(sums[q][0], sums[q][1], sums[q][2], sums[q][3]));
    else
      *to = Out(sums[q][0]);
  }
}

/// Rows of partial sums a block computes: a 3 x 3 filter's taps, and the sum of dz behind them.
inline constexpr int kDepthwiseRows = 10;

struct DepthwiseWeight {
  DepthwiseWindow window;
  DepthwiseImages x, dz;
  Grid4 positions;  ///< (n, plane, row, column) of dz
  Grid4 taps;
  int tap_count;
  float* partial;  ///< [part][tap or, last, sum of dz][channel]
};

/// Grid: see Channels; along z, chunks of the taps and of the one whose window is 1.
template <bool kColumns, class T>
__global__ void __launch_bounds__(kChannelThreads)
    depthwise_weight_kernel(const Channels channels, const DepthwiseWeight p, const T* x,
                            const T* dz) {
  ENGINE_SHARED(float, shared, [kChannelThreads]);
  ENGINE_SHARED(int, places, [kDepthwiseRows][3]);
  const ChannelTeam<kColumns> team(channels, shared);
  const int first_row = static_cast<int>(blockIdx.z) * kDepthwiseRows;
  if (threadIdx.x < kDepthwiseRows) {
    const Grid4::Place tap = p.taps.place(first_row + static_cast<int>(threadIdx.x));
    for (int d = 0; d < 3; ++d)
      places[threadIdx.x][d] = tap.at[d] * p.window.dilation[d] - p.window.before[d];
  }
  __syncthreads();

  const int part = static_cast<int>(blockIdx.y);
  const int input = p.window.by_multiplier.divide(team.channel);
  const int end = team.exists ? channels.part_begin(part + 1) : 0;
  float sums[kDepthwiseRows] = {};
  for (int i = channels.part_begin(part) + team.first; i < end; i += team.kStep) {
    const Grid4::Place at = p.positions.place(i);
    const float z =
        static_cast<float>(dz[p.dz.offset(at.outer, team.channel) + p.dz.offset(at.at)]);
    const T* image = x + p.x.offset(at.outer, input);
#pragma unroll
    for (int row = 0; row < kDepthwiseRows; ++row) {
      if (first_row + row > p.tap_count) break;
      bool inside = true;
      int from[3];
#pragma unroll
      for (int d = 0; d < 3; ++d) {
        const int s = at.at[d] * p.window.stride[d] + places[row][d];
        from[d] = s < 0 ? 0 : s < p.x.extent[d] ? s : p.x.extent[d] - 1;
        inside &= s == from[d];
      }
      if (first_row + row == p.tap_count)
        sums[row] += z;
      else if (const float value = static_cast<float>(image[p.x.offset(from)]); inside)
        sums[row] += value * z;
    }
  }
#pragma unroll
  for (int row = 0; row < kDepthwiseRows; ++row) {
    const float sum = team.sum(sums[row]);
    if (team.leads() && first_row + row <= p.tap_count)
      p.partial[(static_cast<std::int64_t>(part) * (p.tap_count + 1) + first_row + row) *
                    channels.count +
                team.channel] = sum;
  }
}

}  // namespace engine::cuda
