// Diagnostics for people, on standard error (standard output belongs to results). A thin front to
// spdlog, so that its headers are compiled once.
#pragma once

#include <string>

namespace engine::log {

enum class Level { debug, info, warning, error, off };

/// Messages below `level` are dropped; the default is info.
void set_level(Level level);
/// Also appends every message to `path` from now on (the log of a run folder); throws FileError.
void add_file(const std::string& path);

void debug(const std::string& message);
void info(const std::string& message);
void warning(const std::string& message);
void error(const std::string& message);

}  // namespace engine::log
