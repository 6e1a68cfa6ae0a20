// The commands of engine-profile. Each declares itself and returns its exit status when run.
#pragma once

#include "tools/common/command_line.h"

namespace engine::tools {

void add_doctor(CommandLine& line);
void add_algorithms(CommandLine& line);
void add_steps(CommandLine& line);
void add_memory(CommandLine& line);
void add_passes(CommandLine& line);
void add_graph(CommandLine& line);
void add_report(CommandLine& line);
void add_cache(CommandLine& line);
void add_diff(CommandLine& line);

}  // namespace engine::tools
