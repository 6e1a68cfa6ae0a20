// See convolution_filters.h. A thread has an element of the result.
#include "kernels/cuda/convolution_filters.h"

#include <algorithm>

#include "engine/core/bfloat16.h"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/coordinates.cuh"

namespace engine::cuda {
namespace {

constexpr int kThreads = 128;

struct PackedFilters {
  const float* w;
  float* out;  // [group][row][stride]
  bool round;  // to bf16
  int rows, columns, stride;
  Divisor by_stride;
  Grid4 taps;  // (j, c) of a row
  std::int64_t group_stride, row_channel_stride, column_stride;
  std::int64_t first_tap, tap_step[3];  // in elements of w

  __device__ float at(int row, int column, std::int64_t group) const {
    const Grid4::Place p = taps.place(row);
    const float value =
        w[group * group_stride + first_tap + p.outer * tap_step[0] + p.at[0] * tap_step[1] +
          p.at[1] * tap_step[2] + p.at[2] * row_channel_stride + column * column_stride];
    return round ? static_cast<float>(bfloat16(value)) : value;
  }
};

__global__ void pack_filters_kernel(const PackedFilters f) {
  const std::int64_t index = global_thread();
  const int size = f.rows * f.stride;
  if (index >= size) return;
  int column = static_cast<int>(index);
  const int row = f.by_stride.split(column);
  const auto group = static_cast<std::int64_t>(blockIdx.z);
  f.out[group * size + index] = column < f.columns ? f.at(row, column, group) : 0.0f;
}

struct WeightSum {
  const float* partial;
  int splits;
  std::int64_t slice;
  int rows, columns;  // rows of taps; one more of sums of dz
  Divisor by_columns, group_inputs;
  std::int64_t filter_positions;
  float *dw, *db;
};

__global__ void add_weight_splits_kernel(const WeightSum s) {
  const int size = (s.rows + 1) * s.columns;
  const std::int64_t index = global_thread();
  if (index >= size) return;
  const auto group = static_cast<std::int64_t>(blockIdx.z);
  const float* in = s.partial + group * size + index;
  float sum = *in;
  for (int split = 1; split < s.splits; ++split) sum += in[split * s.slice];
  int column = static_cast<int>(index);
  int row = s.by_columns.split(column);
  const std::int64_t channel = group * s.columns + column;
  if (row == s.rows) {
    s.db[channel] = sum;
    return;
  }
  const int tap = s.group_inputs.split(row);
  s.dw[(channel * s.group_inputs.divisor() + row) * s.filter_positions + tap] = sum;
}

dim3 group_grid(std::int64_t items, std::int64_t groups) {
  return dim3(static_cast<unsigned>(ceil_div<std::int64_t>(items, kThreads)), 1,
              static_cast<unsigned>(groups));
}

}  // namespace

void pack_filters(const char* op, Stream& stream, const ConvolutionGeometry& g,
                  const CorrelationClass& of, bool forward, bool round, const float* w,
                  float* out) {
  const std::int64_t read = forward ? g.group_inputs() : g.group_outputs();
  const std::int64_t made = forward ? g.group_outputs() : g.group_inputs();
  PackedFilters f{};
  f.w = w;
  f.out = out;
  f.round = round;
  f.rows = static_cast<int>(of.tap_count() * read);
  f.columns = static_cast<int>(made);
  f.stride = static_cast<int>(quads(made));
  f.by_stride = Divisor(std::max(f.stride, 1));
  f.taps = Grid4(of.taps[1], of.taps[2], read);
  const std::int64_t input = g.filter_positions(), output = g.group_inputs() * input;
  f.group_stride = g.group_outputs() * output;
  f.row_channel_stride = forward ? input : output;
  f.column_stride = forward ? output : input;
  const std::int64_t row = g.filter[2], plane = g.filter[1] * row;
  f.first_tap = of.first_tap[0] * plane + of.first_tap[1] * row + of.first_tap[2];
  f.tap_step[0] = of.tap_step[0] * plane;
  f.tap_step[1] = of.tap_step[1] * row;
  f.tap_step[2] = of.tap_step[2];
  run(op, pack_filters_kernel, group_grid(static_cast<std::int64_t>(f.rows) * f.stride, g.groups),
      kThreads, native_stream(stream), f);
}

void add_weight_splits(const char* op, Stream& stream, const WeightSplits& splits, float* dw,
                       float* db) {
  WeightSum s{};
  s.partial = splits.partial;
  s.splits = splits.splits;
  s.slice = splits.slice;
  s.rows = static_cast<int>(splits.taps);
  s.columns = static_cast<int>(splits.channels);
  s.by_columns = Divisor(std::max(s.columns, 1));
  s.group_inputs = Divisor(std::max<std::int64_t>(splits.group_inputs, 1));
  s.filter_positions = splits.filter_positions;
  s.dw = dw;
  s.db = db;
  run(op, add_weight_splits_kernel, group_grid((splits.taps + 1) * splits.channels, splits.groups),
      kThreads, native_stream(stream), s);
}

}  // namespace engine::cuda
