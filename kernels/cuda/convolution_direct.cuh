// Convolution of images with few channels, and the gradient of its filters. A block stages the
// patch of x that a tile of positions needs (convolution_patch.cuh), once for all taps and
// channels.
//
//   forward          a thread has 4 positions, 8 lanes apart, of two quads of channels; filters
//                    come to shared memory 32 taps at a time
//   weight gradient  a thread has 4 taps of 4 channels, and sums over the positions of every
//                    `splits`-th tile; the windows of 32 taps, and dz, lie in shared memory. Behind
//                    the last tap comes one whose window is 1: its sums are db
#pragma once

#include "kernels/cuda/convolution_patch.cuh"
#include "kernels/cuda/image_epilogue.cuh"

namespace engine::cuda {

inline constexpr int kDirectThreads = 128;
inline constexpr int kTapChunk = 32;
inline constexpr int kLanePositions = 8;  // of a warp, which has 4 times as many

/// A result, or its gradient.
struct DirectImages {
  bool channels_last, quads;  ///< channels may be accessed four at a time
  int channels;
  std::int64_t sample_stride, channel_stride, position_stride;

  __device__ std::int64_t offset(int sample, int channel, std::int64_t position) const {
    return sample * sample_stride + channel * channel_stride + position * position_stride;
  }
};

struct DirectForward {
  PositionTiles tiles;
  PatchLayout patch;
  const float* filters;  ///< [tap][filter_stride]
  int taps, filter_stride;
  DirectImages y;
  std::int64_t positions;  ///< of a sample
  ImageEpilogue epilogue;
};

template <int kChannels>
__device__ void load_filters(const DirectForward& p, int first_tap, int first_channel,
                             float4* filters, int* offsets) {
  for (int i = static_cast<int>(threadIdx.x); i < kTapChunk * kChannels / 4; i += kDirectThreads) {
    const int tap = first_tap + i / (kChannels / 4),
              channel = first_channel + i % (kChannels / 4) * 4;
    const bool exists = tap < p.taps && channel < p.filter_stride;
    filters[i] =
        exists ? load_quad(p.filters + static_cast<std::int64_t>(tap) * p.filter_stride + channel)
               : make_float4(0, 0, 0, 0);
  }
  if (const int i = static_cast<int>(threadIdx.x); i < kTapChunk && first_tap + i < p.taps)
    offsets[i] = p.patch.tap_offset(first_tap + i);
}

/// The four channels from `channel` on of a position.
template <class Out>
__device__ void store_channels(const DirectForward& p, Out* y, int sample, int channel,
                               std::int64_t position, const float (&bias)[4],
                               const float (&sums)[4]) {
  float values[4] = {};
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const int k = channel + j;
    if (k >= p.y.channels) continue;
    const std::int64_t plane = static_cast<std::int64_t>(sample) * p.y.channels + k;
    values[j] = p.epilogue.apply(sums[j], bias[j], plane * p.positions + position);
    if (!p.y.quads) y[p.y.offset(sample, k, position)] = Out(values[j]);
  }
  if (p.y.quads && channel < p.y.channels)
    store_floats(y + p.y.offset(sample, channel, position),
                 make_float4(values[0], values[1], values[2], values[3]));
}

/// Grid: tiles along x, chunks of channels along y. A block's warps share positions out
/// kPositionWarps ways, and channels the others.
template <class T, class Out, int kPositionWarps>
__global__ void __launch_bounds__(kDirectThreads)
    direct_kernel(const DirectForward p, const T* x, Out* y) {
  constexpr int kChannels = kDirectThreads / kWarp / kPositionWarps * 32;
  ENGINE_SHARED(float, patch, [kPatchFloats]);
  ENGINE_SHARED(float4, filters, [kTapChunk * kChannels / 4]);
  ENGINE_SHARED(int, offsets, [kTapChunk]);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int first_channel = static_cast<int>(blockIdx.y) * kChannels;
  const int quad = warp / kPositionWarps * 8 + lane / kLanePositions;  // and the fourth after it
  const auto tile = p.tiles.place(static_cast<int>(blockIdx.x));

  int places[4];
#pragma unroll
  for (int i = 0; i < 4; ++i)
    places[i] = p.patch.position_offset(
        p.tiles.position(warp % kPositionWarps * 32 + lane % kLanePositions + i * kLanePositions));
  load_patch<kDirectThreads>(p.patch, tile, x, patch);
  float sums[2][4][4] = {};
  for (int first = 0; first < p.taps; first += kTapChunk) {
    if (first > 0) __syncthreads();  // the chunk before is read
    load_filters<kChannels>(p, first, first_channel, filters, offsets);
    __syncthreads();
    const int chunk = p.taps - first < kTapChunk ? p.taps - first : kTapChunk;
#pragma unroll 4
    for (int t = 0; t < chunk; ++t) {
      const float* window = patch + offsets[t];
      const float4 w[2] = {filters[t * (kChannels / 4) + quad],
                           filters[t * (kChannels / 4) + quad + 4]};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float value = window[places[i]];
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          sums[h][i][0] += value * w[h].x;
          sums[h][i][1] += value * w[h].y;
          sums[h][i][2] += value * w[h].z;
          sums[h][i][3] += value * w[h].w;
        }
      }
    }
  }
  float bias[2][4];
#pragma unroll
  for (int h = 0; h < 2; ++h)
    p.epilogue.load_bias(first_channel + (quad + 4 * h) * 4, p.y.channels, bias[h]);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int2 position =
        p.tiles.position(warp % kPositionWarps * 32 + lane % kLanePositions + i * kLanePositions);
    if (!p.tiles.contains(tile, position)) continue;
#pragma unroll
    for (int h = 0; h < 2; ++h)
      store_channels(p, y, tile.sample, first_channel + (quad + 4 * h) * 4,
                     p.tiles.flat(tile, position), bias[h], sums[h][i]);
  }
}

inline constexpr int kWeightPositions = 64, kWeightChannels = 64;
inline constexpr int kWeightPitch = kWeightPositions + 4;

struct DirectWeight {
  PositionTiles tiles;
  PatchLayout patch;
  int taps;
  DirectImages dz;
  int splits;
  float* partial;  ///< [split][tap or, last, sum of dz][channel]
  bool vector_out;
};

/// windows[tap][position] of the chunk's taps.
__device__ inline void gather_windows(const DirectWeight& p, const PositionTiles::Place& tile,
                                      int first_tap, const int* offsets, const float* patch,
                                      float* windows) {
  const int at = static_cast<int>(threadIdx.x) % kWeightPositions;
  const int2 position = p.tiles.position(at);
  const bool exists = p.tiles.contains(tile, position);
  const float* window = patch + p.patch.position_offset(position);
  for (int t = static_cast<int>(threadIdx.x) / kWeightPositions; t < kTapChunk;
       t += kDirectThreads / kWeightPositions) {
    float value = 0;
    if (first_tap + t < p.taps) value = window[offsets[t]];
    if (first_tap + t == p.taps) value = 1;
    windows[t * kWeightPitch + at] = exists ? value : 0;
  }
}

/// dz of the tile, [position][channel] with channels last, else [channel][position].
template <bool kLast, class T>
__device__ void load_gradient(const DirectWeight& p, const PositionTiles::Place& tile,
                              int first_channel, const T* dz, float* to) {
  for (int i = static_cast<int>(threadIdx.x); i < kWeightPositions * kWeightChannels;
       i += kDirectThreads) {
    const int outer = i / kWeightPositions, inner = i % kWeightPositions;
    const int2 position = p.tiles.position(kLast ? outer : inner);
    const int channel = first_channel + (kLast ? inner : outer);
    float value = 0;
    if (p.tiles.contains(tile, position) && channel < p.dz.channels)
      value =
          static_cast<float>(dz[p.dz.offset(tile.sample, channel, p.tiles.flat(tile, position))]);
    to[outer * kWeightPitch + inner] = value;
  }
}

__device__ inline float4 shared_quad(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}

/// sums[i][j] of taps i · 8 apart and of neighbouring channels j, over the positions of a tile.
template <bool kLast>
__device__ void add_products(const float* windows, const float* dz, int tap, int channel,
                             float (&sums)[4][4]) {
#pragma unroll 2
  for (int at = 0; at < kWeightPositions; at += 4) {
    float4 z[4];
#pragma unroll
    for (int j = 0; j < 4; ++j)
      z[j] = kLast ? shared_quad(dz + (at + j) * kWeightPitch + channel)
                   : shared_quad(dz + (channel + j) * kWeightPitch + at);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float4 x = shared_quad(windows + (tap + 8 * i) * kWeightPitch + at);
      if constexpr (kLast) {
        sums[i][0] += x.x * z[0].x + x.y * z[1].x + x.z * z[2].x + x.w * z[3].x;
        sums[i][1] += x.x * z[0].y + x.y * z[1].y + x.z * z[2].y + x.w * z[3].y;
        sums[i][2] += x.x * z[0].z + x.y * z[1].z + x.z * z[2].z + x.w * z[3].z;
        sums[i][3] += x.x * z[0].w + x.y * z[1].w + x.z * z[2].w + x.w * z[3].w;
      } else {
#pragma unroll
        for (int j = 0; j < 4; ++j)
          sums[i][j] += x.x * z[j].x + x.y * z[j].y + x.z * z[j].z + x.w * z[j].w;
      }
    }
  }
}

/// Grid: chunks of taps along x, splits along y, chunks of channels along z.
template <class T, bool kLast>
__global__ void __launch_bounds__(kDirectThreads)
    direct_weight_kernel(const DirectWeight p, const T* x, const T* dz) {
  ENGINE_SHARED(float, patch, [kPatchFloats]);
  // Declared as float4 for their alignment.
  ENGINE_SHARED(float4, windows_shared, [kTapChunk * kWeightPitch / 4]);
  ENGINE_SHARED(float4, dz_shared, [kWeightPositions * kWeightPitch / 4]);
  ENGINE_SHARED(int, offsets, [kTapChunk]);
  auto* windows = reinterpret_cast<float*>(windows_shared);
  auto* gradients = reinterpret_cast<float*>(dz_shared);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int tap = lane % 8;
  const int channel = static_cast<int>(threadIdx.x) / kWarp * 16 + lane / 8 * 4;
  const int first_tap = static_cast<int>(blockIdx.x) * kTapChunk;
  const int first_channel = static_cast<int>(blockIdx.z) * kWeightChannels;
  if (const int t = static_cast<int>(threadIdx.x); t < kTapChunk && first_tap + t < p.taps)
    offsets[t] = p.patch.tap_offset(first_tap + t);

  float sums[4][4] = {};
  for (int i = static_cast<int>(blockIdx.y); i < p.tiles.count; i += p.splits) {
    const auto tile = p.tiles.place(i);
    load_patch<kDirectThreads>(p.patch, tile, x, patch);
    load_gradient<kLast>(p, tile, first_channel, dz, gradients);
    __syncthreads();
    gather_windows(p, tile, first_tap, offsets, patch, windows);
    __syncthreads();
    add_products<kLast>(windows, gradients, tap, channel, sums);
    __syncthreads();  // before the next tile is loaded
  }

  const int columns = p.dz.channels;
  float* out = p.partial + static_cast<std::int64_t>(blockIdx.y) * (p.taps + 1) * columns;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int row = first_tap + tap + 8 * i, column = first_channel + channel;
    if (row > p.taps || column >= columns) continue;
    float* to = out + static_cast<std::int64_t>(row) * columns + column;
    if (p.vector_out) {
      store_floats(to, make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
      continue;
    }
#pragma unroll
    for (int j = 0; j < 4; ++j)
      if (column + j < columns) to[j] = sums[i][j];
  }
}

}  // namespace engine::cuda
