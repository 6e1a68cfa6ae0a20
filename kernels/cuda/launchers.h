// Launchers of hand-written kernels that the wrappers of library kernels complete their work with.
#pragma once

#include <cstdint>

#include "engine/core/bfloat16.h"
#include "engine/core/tensor.h"
#include "engine/device/device.h"
#include "kernels/dense.h"
#include "kernels/dropout.h"

namespace engine::cuda {

/// y[i] = drop-out of x[i] at *step (device memory), for `count` elements; y may be x.
void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const float* x, float* y, std::int64_t count);
void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const bfloat16* x, bfloat16* y, std::int64_t count);
/// The same for tensors of one type, f32 or bf16, in any layout: elements are numbered row-major.
void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const TensorView& x, const TensorView& y);

/// y[i] = x[i] rounded to bf16, for `count` elements.
void launch_narrow(Stream& stream, const float* x, bfloat16* y, std::int64_t count);

/// sums[column] = sum over the rows of a row-major [rows, columns] matrix.
void launch_column_sums(Stream& stream, const float* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns);
void launch_column_sums(Stream& stream, const bfloat16* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns);

/// y[n,k,p] = dropout(activation(y[n,k,p] + bias[k])) of the attributes, f32 or bf16, in any
/// layout.
void launch_convolution_epilogue(Stream& stream, const TensorView& y, const float* bias,
                                 const DenseAttributes& attributes, const std::int64_t* step);

/// sums[c] = sum of x[n,c,s...] over all but c; x is f32 or bf16, in any layout.
void launch_channel_sums(Stream& stream, const TensorView& x, float* sums);

/// Copies what tensors of one type but for their numbers of channels have in common (see
/// ChannelLines of kernels/padded_channels.h); the rest of `to` is 0.
void launch_resize_channels(Stream& stream, const TensorView& from, const TensorView& to);

/// The extents of [outer, rows, columns], row-major.
struct SwappedAxes {
  std::int64_t outer, rows, columns;
};
/// Stores [outer, rows, columns] as [outer, columns, rows], rounded to the result's type.
void launch_swap(Stream& stream, const float* from, float* to, const SwappedAxes& axes);
void launch_swap(Stream& stream, const float* from, bfloat16* to, const SwappedAxes& axes);

}  // namespace engine::cuda
