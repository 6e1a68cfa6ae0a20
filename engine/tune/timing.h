// Times that can be compared: the contestants take turns, so that a change of clock rate or a busy
// neighbour falls on all alike.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/device/device.h"

namespace engine {

struct Timing {
  double microseconds = 0;  ///< median
  double spread = 0;        ///< interquartile range
  std::string failure;      ///< why there is no time; empty when there is
};

/// Median and interquartile range of `samples`, which must not be empty, interpolated between order
/// statistics.
Timing summarize(std::vector<double> samples);

/// Runs `action` and returns why it failed, "" when it did not. A sticky DeviceError passes
/// through: the device is lost, whoever is to blame.
std::string failure_of(const std::function<void()>& action);

/// Times bodies that enqueue work on `stream`, with warm caches: some 40 ms and 10 to 200 runs
/// each, in several rounds over all; those that take longer than 10 ms run three times more after a
/// first run. A body that its first runs show to be several times slower than the fastest, or whose
/// fastest run is half as slow again after a round, gets no more than these.
std::vector<Timing> time_in_turns(Device& device, Stream& stream,
                                  std::span<const std::function<void()>> bodies);

}  // namespace engine
