// Drop-out over a range of elements, shared by the dropout kernel and the epilogues of products.
#pragma once

#include <cstdint>

#include "kernels/dropout.h"

namespace engine::cpu {

/// y[i] = survives(first + i) ? x[i] * scale : 0 for 0 <= i < count, where `first` is a multiple of
/// 64; with `rectify` x[i] goes through ReLU first. y may be x.
void dropout_range(const float* x, float* y, std::int64_t first, std::int64_t count,
                   const DropoutAttributes& attributes, std::uint64_t step, bool rectify);

/// The same over `count` positions of a channels-last tensor of so many `channels`, from the flat
/// position `first` = n * positions + p on, where `positions` are those of an observation. Elements
/// are drawn by their row-major number, (n * channels + channel) * positions + p. x and y point to
/// the first of the positions; y may be x.
void dropout_channels_last(const float* x, float* y, std::int64_t first, std::int64_t count,
                           std::int64_t channels, std::int64_t positions,
                           const DropoutAttributes& attributes, std::uint64_t step, bool rectify);

}  // namespace engine::cpu
