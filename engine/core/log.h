// Diagnostics for people, on standard error (standard output belongs to results). A thin front to
// spdlog, so that its headers are compiled once.
#pragma once

#include <memory>
#include <string>

namespace engine::log {

enum class Level { debug, info, warning, error, off };

/// Messages below `level` are dropped; the default is info.
void set_level(Level level);

/// While it lives, every message is also appended to a file (the log of a run folder).
class File {
 public:
  /// Throws FileError.
  explicit File(const std::string& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Adds a line to the file alone. When that fails, the file is closed with a warning.
  void note(const std::string& message);

 private:
  std::shared_ptr<void> sink_;
};

void debug(const std::string& message);
void info(const std::string& message);
void warning(const std::string& message);
void error(const std::string& message);

}  // namespace engine::log
