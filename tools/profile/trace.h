// A trace in the Trace Event Format that Perfetto (ui.perfetto.dev) and chrome://tracing load.
#pragma once

#include <string>
#include <vector>

#include "tools/profile/roofline.h"
#include "tools/profile/step_times.h"

namespace engine::tools {

/// The JSON text: one track for whole training steps, and one for each kind of kernel (forward,
/// gradient, update) of the device's stream. Times in microseconds.
std::string to_trace(Workload& workload, const std::vector<TraceEvent>& events, const Peaks& peaks);

}  // namespace engine::tools
