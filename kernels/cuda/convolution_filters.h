// Filters on their way into a correlation, and their gradient on its way out of partial sums.
#pragma once

#include "engine/device/device.h"
#include "kernels/cuda/convolution_classes.h"

namespace engine::cuda {

/// Channels as packed filters have them: padded to quads.
inline std::int64_t quads(std::int64_t channels) {
  return (channels + 3) / 4 * 4;
}

/// The filters of `of` as matrices [group][tap (j, channel read)][quads(channels made)]: `forward`,
/// channels read are inputs, otherwise outputs. `round`: to bf16.
void pack_filters(const char* op, Stream& stream, const ConvolutionGeometry& geometry,
                  const CorrelationClass& of, bool forward, bool round, const float* w, float* out);

/// Partial sums [split][group][tap or, last, sum of dz][channel].
struct WeightSplits {
  const float* partial;
  int splits;
  std::int64_t slice;  ///< floats of a split
  std::int64_t groups, taps, channels, group_inputs, filter_positions;
};
/// Adds them up in order into dw [K, C/G, R...] and db [K].
void add_weight_splits(const char* op, Stream& stream, const WeightSplits& splits, float* dw,
                       float* db);

}  // namespace engine::cuda
