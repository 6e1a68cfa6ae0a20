// Convolutions whose channels are rounded up to what a machine's instructions take at once: what is
// added is 0, and so are its products. Shared by the back ends that have candidates for them (see
// kernels/converted.h).
#pragma once

#include <cstdint>
#include <string>

#include "engine/tune/problem.h"

namespace engine {

/// `problem` with the channels of x and of y rounded up to whole `granules`, in bytes.
Problem pad_channels(const Problem& problem, std::int64_t granule);

/// Why padding does not apply to `problem`, or "". Drop-out, for one, draws by the number of an
/// element, which padding changes.
std::string refuse_padded_channels(const Problem& problem, std::int64_t granule);

/// How a tensor of channels lies in memory if they may be padded: the elements of a position
/// (channels last), or of a filter or an image (row-major), are a line. One of more lines, or of
/// longer ones, has the elements of another at the beginning of each.
struct ChannelLines {
  std::int64_t count, length;
  static ChannelLines of(const TensorType& type);
};

}  // namespace engine
