// A tensor of images as an operand of a product whose other index is a tap of a filter: the matrix
// of windows that a convolution multiplies, read where it lies instead of being written out.
//
// Element (position, tap) is x[n, c, s] for position (n, t) and tap (j, c), where in each dimension
//
//   s = begin + t * step + j * tap_step
//
// and 0 where s lies outside the extents. Both indices enter by addition, so that a thread works
// out each of them once a tile.
#pragma once

#include "kernels/cuda/coordinates.cuh"
#include "kernels/cuda/dense_tile.cuh"

namespace engine::cuda {

struct Windows {
  const void* data;
  int extent[3];  ///< of x
  std::int64_t sample_stride, channel_stride, stride[3];
  std::int64_t group_stride;  ///< elements from group to group
  Grid4 positions;            ///< (n, t)
  Grid4 taps;                 ///< (j, c), the channels of a group innermost
  int begin[3], step[3], tap_step[3];

  /// What a position or a tap adds to the coordinates and to the element's offset.
  struct Part {
    int at[3];
    std::int64_t offset;
  };

  // So far outside that adding another part does not lead back.
  static constexpr int kFarAway = INT32_MIN / 2;

  __device__ std::int64_t spatial_offset(const int (&at)[3]) const {
    return at[0] * stride[0] + at[1] * stride[1] + at[2] * stride[2];
  }
  __device__ Part position(int index, int end) const {
    if (index >= end) return {{kFarAway, 0, 0}, 0};
    const Grid4::Place p = positions.place(index);
    Part part{
        {begin[0] + p.at[0] * step[0], begin[1] + p.at[1] * step[1], begin[2] + p.at[2] * step[2]},
        0};
    part.offset = p.outer * sample_stride + spatial_offset(part.at);
    return part;
  }
  __device__ Part tap(int index, int end) const {
    if (index >= end) return {{kFarAway, 0, 0}, 0};
    const Grid4::Place p = taps.place(index);
    Part part{{p.outer * tap_step[0], p.at[0] * tap_step[1], p.at[1] * tap_step[2]}, 0};
    part.offset = p.at[2] * channel_stride + spatial_offset(part.at);
    return part;
  }
};

/// Windows as an operand: `kTapsAcross`, or positions across and the sum over taps.
template <bool kStoredAlongDepth, bool kTapsAcross>
struct WindowMatrix {
  static constexpr bool kAlongDepth = kStoredAlongDepth;
  using Across = Windows::Part;
  using Depth = Windows::Part;
  Windows windows;
  const void* data;  ///< of the group
  int extent, depth_end;

  __device__ Across across(int index) const {
    return kTapsAcross ? windows.tap(index, extent) : windows.position(index, extent);
  }
  __device__ Depth depth(int index) const {
    return kTapsAcross ? windows.position(index, depth_end) : windows.tap(index, depth_end);
  }
  __device__ bool contains(const Across& across, const Depth& depth) const {
    bool inside = true;
#pragma unroll
    for (int d = 0; d < 3; ++d)
      inside &= static_cast<unsigned>(across.at[d] + depth.at[d]) <
                static_cast<unsigned>(windows.extent[d]);
    return inside;
  }
  __device__ std::int64_t offset(const Across& across, const Depth& depth) const {
    return across.offset + depth.offset;
  }
};

/// The channels of images [N, C, P] stored row-major, as a matrix [N * P, C].
struct PlaneMatrix {
  static constexpr bool kAlongDepth = true;
  static constexpr std::int64_t kOutside = -1;
  using Across = std::int64_t;
  using Depth = std::int64_t;
  const void* data;
  Divisor positions;           ///< P
  std::int64_t sample_stride;  ///< C * P
  int extent, depth_end;

  __device__ Across across(int index) const {
    return index < extent ? static_cast<std::int64_t>(index) * positions.divisor() : kOutside;
  }
  __device__ Depth depth(int index) const {
    if (index >= depth_end) return kOutside;
    const int n = positions.split(index);
    return n * sample_stride + index;
  }
  __device__ bool contains(Across across, Depth depth) const {
    return across != kOutside && depth != kOutside;
  }
  __device__ std::int64_t offset(Across across, Depth depth) const { return across + depth; }
};

}  // namespace engine::cuda
