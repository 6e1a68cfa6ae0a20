// The parts of an HTML report.
#pragma once

#include "tools/profile/full_report.h"
#include "tools/profile/html.h"

namespace engine::tools {

void write_algorithms(Html& html, const std::vector<AlgorithmGroup>& groups);
void write_steps(Html& html, const StepProfile& profile);
void write_memory(Html& html, const FullReport& report);
void write_passes(Html& html, const std::vector<PassRow>& passes);
void write_graph(Html& html, const FullReport& report);

}  // namespace engine::tools
