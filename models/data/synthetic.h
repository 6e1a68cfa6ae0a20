// Observations that are computed instead of read: they need no download and never change, so tests,
// examples and measurements run anywhere. Each class has a random pattern, and an observation is
// the mean of its class's pattern and of noise, so a model can learn the labels. Of tokens, half
// tell the class.
#pragma once

#include <cstdint>
#include <memory>

#include "models/data/dataset.h"

namespace engine {

/// Training observations where no number is asked for: 60,000, or fewer of large ones, so that they
/// come to 256 MiB at most; then a number that, as that of test observations, gives whole batches.
std::int64_t default_synthetic_count(const DatasetExpectation& expected);
inline constexpr std::int64_t kSyntheticMost = 100'000'000;

/// `train` training observations and max(train / 6, 1) test ones.
std::unique_ptr<Dataset> make_synthetic(std::int64_t train, const DatasetExpectation& expected);

}  // namespace engine
