// Launchers of hand-written kernels that the wrappers of library kernels complete their work with.
#pragma once

#include <cstdint>

#include "engine/core/bfloat16.h"
#include "engine/device/device.h"
#include "kernels/dropout.h"

namespace engine::cuda {

/// y[i] = drop-out of x[i] at *step (device memory), for `count` elements; y may be x.
void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const float* x, float* y, std::int64_t count);
void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const bfloat16* x, bfloat16* y, std::int64_t count);

/// y[i] = x[i] rounded to bf16, for `count` elements.
void launch_narrow(Stream& stream, const float* x, bfloat16* y, std::int64_t count);

/// sums[column] = sum over the rows of a row-major [rows, columns] matrix.
void launch_column_sums(Stream& stream, const float* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns);
void launch_column_sums(Stream& stream, const bfloat16* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns);

}  // namespace engine::cuda
