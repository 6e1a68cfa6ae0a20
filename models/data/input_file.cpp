#include "models/data/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/core/error.h"

namespace engine {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

}  // namespace

// O_NONBLOCK keeps a named pipe from blocking the open; it means nothing to a regular file.
InputFile::InputFile(const std::string& path) : path_(path), descriptor_(-1) {
  do descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) throw DataError(path + ": cannot be opened: " + reason(errno));
  struct stat status {};
  const int failed = ::fstat(descriptor_, &status);
  if (failed != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw DataError(path + ": is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

std::size_t InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(descriptor_, out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw FileError(path_ + ": reading at byte " + std::to_string(offset + done) +
                      " failed: " + reason(errno));
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out(text.substr(0, kLongest));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  if (text.size() > kLongest) out += "...";
  return out;
}

}  // namespace engine
