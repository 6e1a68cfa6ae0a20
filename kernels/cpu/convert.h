// Conversions of whole operands, on the CPU: what make_converted (kernels/converted.h) copies with.
#pragma once

#include "engine/device/device.h"
#include "engine/tune/problem.h"

namespace engine::cpu {

/// The types of `problem` with f32 in place of bf16.
Problem widened(Problem problem);

/// Writes `from` to `to`, of f32 or bf16 and in another type, layout or (then alone) other extents;
/// `rounds`: f32 to numbers of bf16. Where extents differ, what they have in common is copied and
/// the rest is 0.
void convert(Stream&, const TensorView& from, const TensorView& to, bool rounds);

}  // namespace engine::cpu
