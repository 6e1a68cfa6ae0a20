// Drop-out over a range of elements, shared by the dropout kernel and the epilogue of dense.
#pragma once

#include <cstdint>

#include "kernels/dropout.h"

namespace engine::cpu {

/// y[i] = survives(first + i) ? x[i] * scale : 0 for 0 <= i < count, where `first` is a multiple of
/// 64; with `rectify` x[i] goes through ReLU first. y may be x.
void dropout_range(const float* x, float* y, std::int64_t first, std::int64_t count,
                   const DropoutAttributes& attributes, std::uint64_t step, bool rectify);

}  // namespace engine::cpu
