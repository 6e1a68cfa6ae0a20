#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>

#include "engine/core/log.h"

namespace engine::fuzz {
namespace {

// A folder of the process's own.
class Files {
 public:
  Files() : folder_((std::filesystem::temp_directory_path() / "engine-fuzz-XXXXXX").native()) {
    require(mkdtemp(folder_.data()) != nullptr, "no folder for the input");
  }
  ~Files() {
    std::error_code ignored;  // leftovers in the temporary folder fail no test
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::string& path(const std::string& suffix) {
    std::string& path = paths_[suffix];
    if (path.empty()) path = folder_ + "/input" + suffix;
    return path;
  }

 private:
  std::string folder_;
  std::map<std::string, std::string> paths_;
};

}  // namespace

const std::string& file_of(const std::uint8_t* data, std::size_t size, const char* suffix) {
  static Files files;
  const std::string& path = files.path(suffix);
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  require(file >= 0 && write(file, data, size) == static_cast<ssize_t>(size),
          "the input cannot be written");
  require(close(file) == 0, "the input cannot be written");
  return path;
}

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

void silence_log() {
  static const bool silenced = [] {
    log::set_level(log::Level::off);
    return true;
  }();
  (void)silenced;
}

}  // namespace engine::fuzz
