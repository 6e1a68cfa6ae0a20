// The commands of engine-train. Each declares itself and returns its exit status when run.
#pragma once

#include "tools/common/command_line.h"

namespace engine::tools {

void add_list(CommandLine& line);
void add_layers(CommandLine& line);
void add_summary(CommandLine& line);
void add_fit(CommandLine& line);
void add_evaluate(CommandLine& line);
void add_predict(CommandLine& line);

}  // namespace engine::tools
