// The steps of a program with their times, beside what the device could do, and where layouts are
// converted.
#pragma once

#include <string>
#include <vector>

#include "graph/program.h"
#include "tools/profile/roofline.h"
#include "tools/profile/step_times.h"

namespace engine::tools {

struct StepProfile {
  const std::vector<graph::Step>& steps;
  StepTimes times;
  Peaks peaks;

  double microseconds(std::size_t i) const { return times.steps[i].microseconds; }
  double gigaflops(std::size_t i) const { return steps[i].flops / microseconds(i) / 1e3; }
  double gigabytes(std::size_t i) const {
    return static_cast<double>(steps[i].bytes) / microseconds(i) / 1e3;
  }
  double share(std::size_t i) const { return microseconds(i) / times.sum(); }
  double attainable_share(std::size_t i) const {
    return peaks.attainable(steps[i]) / microseconds(i);
  }
  double attainable() const;  ///< microseconds of all steps at the peaks
};
/// After workload.load(), and as long as that lives.
StepProfile profile_steps(Workload& workload);

/// "onednn.direct/plain".
std::string kernel_of(const graph::Step& step);

/// How a step brings operands into another layout.
enum class Reorder {
  none,
  step,    ///< it is a conversion of layouts and nothing else
  inside,  ///< its kernel converts operands and results on its way
};
const char* reorder_name(Reorder reorder);
Reorder reorder_of(const graph::Step& step);

struct ReorderCount {
  std::size_t steps = 0, inside = 0;
  double microseconds = 0, share = 0;  ///< of the steps that are conversions
};
ReorderCount count_reorders(const StepProfile& profile);
/// "reorders: 2 steps convert layouts, 393.5 µs (2.6%); 1 kernel converts inside".
std::string describe(const ReorderCount& count);

}  // namespace engine::tools
