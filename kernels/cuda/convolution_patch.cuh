// The part of an input that a tile of a convolution's positions needs, staged in shared memory: for
// images of few channels, whose windows overlap but hardly fill a sector.
//
// A patch is [channel][filter plane][row][column] in either layout. A warp loads a line of it,
// neighbours in memory, from a multiple of 32 elements on, so that every access but the ends of
// lines moves whole sectors. Lines of channels-last images are spread over the channels while they
// are stored; channels are then so far apart that 32 neighbours meet 32 banks. Lanes with nothing
// to load repeat a neighbour's address.
#pragma once

#include "kernels/cuda/coordinates.cuh"
#include "kernels/cuda/quad.cuh"

namespace engine::cuda {

inline constexpr int kPatchFloats = 5120;

/// Positions of a result cut into tiles of rows and columns of one plane.
struct PositionTiles {
  int rows, columns;  ///< of a tile
  int extent[3];      ///< of the result
  Divisor by_columns;
  Grid4 grid;  ///< (n, plane, tile's row, tile's column)
  int count;

  struct Place {
    int sample, plane, row, column;  ///< where the tile begins
  };
  __device__ Place place(int tile) const {
    const Grid4::Place p = grid.place(tile);
    return {p.outer, p.at[0], p.at[1] * rows, p.at[2] * columns};
  }
  /// Row and column of a position in a tile.
  __device__ int2 position(int index) const {
    int column = index;
    const int row = by_columns.split(column);
    return make_int2(row, column);
  }
  __device__ bool contains(const Place& tile, int2 position) const {
    return tile.row + position.x < extent[1] && tile.column + position.y < extent[2];
  }
  __device__ std::int64_t flat(const Place& tile, int2 position) const {
    return (static_cast<std::int64_t>(tile.plane) * extent[1] + tile.row + position.x) * extent[2] +
           tile.column + position.y;
  }
};

struct PatchLayout {
  bool channels_last;
  int channels;
  int extent[3];  ///< of the input
  int stride[3], dilation[3], before[3];
  int planes, rows, columns;  ///< of the patch; neighbouring columns are neighbours
  int pitch, channel_pitch;   ///< from row to row, from channel to channel
  std::int64_t sample_stride, channel_stride, spatial_stride[3];
  Divisor by_channels, by_rows, by_planes;
  Grid4 taps;  ///< (j, channel), as packed filters have them

  __device__ int tap_offset(int tap) const {
    const Grid4::Place p = taps.place(tap);
    return p.at[2] * channel_pitch + (p.outer * rows + p.at[0] * dilation[1]) * pitch +
           p.at[1] * dilation[2];
  }
  __device__ int position_offset(int2 position) const {
    return position.x * stride[1] * pitch + position.y * stride[2];
  }
};

struct PatchLine {
  std::int64_t base;  ///< element of x that the line begins with, inside of x or not
  int begin, end;     ///< what exists of it, in elements from `base`
  int place;          ///< in the patch
};

__device__ inline PatchLine patch_line(const PatchLayout& p, const PositionTiles::Place& tile,
                                       int index) {
  int row = index, plane = p.by_rows.split(row);
  const int channel = p.by_planes.split(plane);
  const int s0 = tile.plane * p.stride[0] + plane * p.dilation[0] - p.before[0];
  const int s1 = tile.row * p.stride[1] + row - p.before[1];
  const int s2 = tile.column * p.stride[2] - p.before[2];
  const int width = p.channels_last ? p.channels : 1;
  PatchLine line;
  line.base = tile.sample * p.sample_stride + channel * p.channel_stride +
              s0 * p.spatial_stride[0] + s1 * p.spatial_stride[1] + s2 * p.spatial_stride[2];
  const bool inside = s0 >= 0 && s0 < p.extent[0] && s1 >= 0 && s1 < p.extent[1];
  line.begin = s2 < 0 ? -s2 * width : 0;
  const int columns = p.extent[2] - s2 < p.columns ? p.extent[2] - s2 : p.columns;
  line.end = inside ? columns * width : 0;
  line.place = channel * p.channel_pitch + (plane * p.rows + row) * p.pitch;
  return line;
}

/// Loads the patch of `tile` with kThreads threads.
template <int kThreads, class T>
__device__ void load_patch(const PatchLayout& p, const PositionTiles::Place& tile, const T* x,
                           float* patch) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int width = p.channels_last ? p.channels : 1;
  const int length = p.columns * width;
  const int lines = (p.channels_last ? 1 : p.channels) * p.planes * p.rows;
  for (int i = static_cast<int>(threadIdx.x) / kWarp; i < lines; i += kThreads / kWarp) {
    const PatchLine line = patch_line(p, tile, i);
    const bool exists = line.begin < line.end;
    for (int at = lane - static_cast<int>(line.base & (kWarp - 1)); at - lane < length;
         at += kWarp) {
      float value = 0;
      if (exists) {
        const int near = at < line.begin ? line.begin : at < line.end ? at : line.end - 1;
        value = static_cast<float>(x[line.base + near]);
        if (near != at) value = 0;
      }
      if (at < 0 || at >= length) continue;
      int column = at, channel = 0;
      if (p.channels_last) {
        column = p.by_channels.divide(at);
        channel = at - column * p.channels;
      }
      patch[line.place + channel * p.channel_pitch + column] = value;
    }
  }
}

}  // namespace engine::cuda
