#include "tools/common/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "engine/core/error.h"
#include "engine/core/file.h"

namespace engine::tools {
namespace {

[[noreturn]] void fail_to_write(const std::string& what) {
  throw FileError(what + ": cannot be written: " + std::generic_category().message(errno));
}

void write_all(int file, std::string_view text, const std::string& what) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      fail_to_write(what);
  }
}

}  // namespace

void prepare_standard_streams() {
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one. Read-only, so that writing results to it still fails.
    const int opened = open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    if (opened != stream && opened >= 0) close(opened);
  }
}

void report_broken_pipes() {
  signal(SIGPIPE, SIG_IGN);
}

void print_line(const std::string& line) {
  write_all(STDOUT_FILENO, line + '\n', "standard output");
}

void expect_savable(const std::string& path) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (path.empty() || std::filesystem::is_directory(path, error) ||
      (!folder.empty() && !std::filesystem::is_directory(folder, error)))
    throw FileError(
        fmt::format("'{}': expected the name of a file in a folder that is there", path));
}

void save_text(const std::string& path, const std::string& text) {
  // Replacing means renaming, and nobody wants a file where a device was.
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
    return replace_file(path, [&](FileWriter& file) { file.write(text); });
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) fail_to_write(path);
  try {
    write_all(file, text, path);
  } catch (...) {
    close(file);
    throw;
  }
  if (close(file) != 0) fail_to_write(path);
}

std::string one_line(const std::string& text) {
  std::string line;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      line += "\\n";
    else if (byte < 0x20 || byte == 0x7f)
      line += fmt::format("\\x{:02x}", byte);
    else
      line += c;
  }
  return line;
}

}  // namespace engine::tools
