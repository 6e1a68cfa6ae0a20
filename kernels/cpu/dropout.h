// Drop-out over a range of elements, shared by the dropout kernel and the epilogue of dense.
#pragma once

#include <cstdint>

#include "kernels/dropout.h"

namespace engine::cpu {

/// y[e] = survives(e) ? x[e] * scale : 0 for begin <= e < end, where `begin` is a multiple of 64;
/// with `rectify` x[e] goes through ReLU first. y may be x.
void dropout_range(const float* x, float* y, std::int64_t begin, std::int64_t end,
                   const DropoutAttributes& attributes, std::uint64_t step, bool rectify);

}  // namespace engine::cpu
