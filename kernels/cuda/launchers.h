// Launchers of hand-written kernels that the wrappers of library kernels complete their work with.
#pragma once

#include <cstdint>

#include "engine/device/device.h"
#include "kernels/dropout.h"

namespace engine::cuda {

/// y[i] = drop-out of x[i] at *step (device memory), for `count` elements; y may be x.
void launch_dropout(Stream& stream, const DropoutAttributes& attributes, const std::int64_t* step,
                    const float* x, float* y, std::int64_t count);

/// sums[column] = sum over the rows of a row-major [rows, columns] matrix.
void launch_column_sums(Stream& stream, const float* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns);

}  // namespace engine::cuda
