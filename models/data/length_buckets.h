// Texts of different lengths in a few buckets of the same, so that short ones are not padded to the
// longest: a program is compiled for each bucket, hence their number is limited.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/data/dataset.h"

namespace engine {

/// At most `most` lengths, ascending, the last one that of the longest text, under which so few
/// tokens as can be are padding. counts[n] is how many texts have n tokens. Empty texts count as of
/// one token. Takes O(most · lengths²).
std::vector<std::int64_t> bucket_lengths(std::span<const std::int64_t> counts, std::int64_t most);

/// The same data with the observations of each part in order of their buckets, see
/// Dataset::buckets(). Lengths are chosen by the training part; all but the last bucket of a part
/// hold whole batches of `batch`, the few texts left over being put into the next longer one.
/// Throws UsageError where observations are no single text that is filled up with padding.
std::unique_ptr<Dataset> bucket_by_length(std::unique_ptr<Dataset> data,
                                          const std::optional<TextFormat>& text, std::int64_t most,
                                          std::int64_t batch);

}  // namespace engine
