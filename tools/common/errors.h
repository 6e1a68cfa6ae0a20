// From exceptions to what a shell sees: one line on standard error and an exit status (0 done, 1
// failed while running, 2 wrong usage, 3 bad input data, 130 interrupted).
#pragma once

#include <functional>
#include <string>

namespace engine::tools {

/// "TOOL: error: MESSAGE" on standard error, in one line.
void print_error(const std::string& tool, const std::string& message);

/// Runs `body` and returns its status, or reports its exception. After a sticky device error the
/// process ends here: nothing that would call the device at exit is run.
int run_guarded(const std::string& tool, const std::function<int()>& body);

}  // namespace engine::tools
