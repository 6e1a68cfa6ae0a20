// Standard output as a result that can fail: every line is written whole, or FileError says why
// not.
#pragma once

#include <string>

namespace engine::tools {

/// Makes the process fit for writing: a standard stream that is closed is pointed at /dev/null, so
/// that no file of ours takes its number, and a reader that goes away is an error, not a signal.
void prepare_standard_streams();

/// Writes `line` and a newline to standard output; throws FileError.
void print_line(const std::string& line);

/// Control characters (a path may hold a newline) as escapes, so that the text stays on one line.
std::string one_line(const std::string& text);

}  // namespace engine::tools
