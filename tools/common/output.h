// Standard output as a result that can fail: every line is written whole, or FileError says why
// not.
#pragma once

#include <string>

namespace engine::tools {

/// A standard stream that is closed is pointed at /dev/null, so that no file of ours takes its
/// number.
void prepare_standard_streams();

/// From now on a reader of standard output that goes away is an error like others, not the end of
/// the process: for work that has something to save.
void report_broken_pipes();

/// Writes `line` and a newline to standard output; throws FileError.
void print_line(const std::string& line);

/// Replaces the file `path` by `text`, whole or not at all; a path that is no regular file (a pipe,
/// /dev/stdout) is written to instead. Throws FileError.
void save_text(const std::string& path, const std::string& text);

/// Throws FileError where save_text() is sure to fail (no name, a folder, a file in no folder), so
/// that nobody measures for minutes first.
void expect_savable(const std::string& path);

/// Control characters (a path may hold a newline) as escapes, so that the text stays on one line.
std::string one_line(const std::string& text);

}  // namespace engine::tools
