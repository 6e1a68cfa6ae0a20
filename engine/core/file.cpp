// POSIX calls wrapped so that nothing is half done: writes are complete or an error, and a replaced
// file is either the old or the new one at every instant, also across a power cut.
#include "engine/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::size_t kWriteBuffer = std::size_t{1} << 18;
constexpr std::size_t kReadChunk = std::size_t{1} << 16;
constexpr std::string_view kTemporary = ".tmp-";

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
  throw FileError(fmt::format("{}: {}: {}", path, what, std::generic_category().message(error)));
}

// Calls `call` until it is not interrupted by a signal.
template <class F>
auto retry(F&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : value_(retry([&] { return open(path.c_str(), flags | O_CLOEXEC, 0666); })) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void write_all(int file, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = retry([&] { return ::write(file, bytes.data(), bytes.size()); });
    if (written < 0) fail(path, "cannot be written", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// Makes a rename in `folder` last; `path` is what was renamed.
void sync_folder(const Descriptor& folder, const std::string& path) {
  // Some file systems have no fsync for folders and say EINVAL.
  if (retry([&] { return fsync(folder.get()); }) != 0 && errno != EINVAL)
    fail(path, "its folder cannot be synchronized", errno);
}

bool has_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Whether `name` is what a Temporary for the target `stem` is called: STEM.tmp-PID-N.
bool is_temporary(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem) || !name.substr(stem.size()).starts_with(kTemporary)) return false;
  const std::string_view numbers = name.substr(stem.size() + kTemporary.size());
  const std::size_t dash = numbers.find('-');
  return dash != std::string_view::npos && has_digits(numbers.substr(0, dash)) &&
         has_digits(numbers.substr(dash + 1));
}

// Removes what a process left that was killed while it replaced `target`. A temporary is locked by
// whoever writes it, on this machine or another, and locks end with their process, so one that can
// be locked has lost its writer. What cannot be opened or removed is no reason to fail.
void sweep_temporaries(const std::string& target) {
  const std::filesystem::path path(target);
  std::error_code error;
  std::filesystem::directory_iterator entries(folder_of(target), error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (!is_temporary(entries->path().filename().native(), path.filename().native())) continue;
    const Descriptor file(entries->path().native(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
    if (file.is_open() && flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      unlink(entries->path().c_str());
  }
}

// A new file beside its target, removed unless it takes the target's place.
class Temporary final : public FileWriter {
 public:
  explicit Temporary(const std::string& target)
      : target_(target), folder_(folder_of(target), O_RDONLY | O_DIRECTORY), file_(create()) {
    buffer_.reserve(kWriteBuffer);
  }
  ~Temporary() override {
    if (!path_.empty()) unlink(path_.c_str());
  }

  void write(std::span<const std::byte> bytes) override {
    if (buffer_.size() + bytes.size() > kWriteBuffer) flush();
    if (bytes.size() >= kWriteBuffer)
      write_all(file_.get(), bytes, target_);
    else
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }

  void replace_target() {
    flush();
    if (retry([&] { return fsync(file_.get()); }) != 0)
      fail(target_, "cannot be synchronized", errno);
    // Closed, and thereby unlocked, only after it has taken the target's place.
    if (std::rename(path_.c_str(), target_.c_str()) != 0)
      fail(target_, "cannot be replaced", errno);
    path_.clear();
    sync_folder(folder_, target_);
  }

 private:
  Descriptor create() {
    if (!folder_.is_open()) fail(target_, "its folder cannot be opened", errno);
    sweep_temporaries(target_);
    static std::atomic<unsigned> counter{0};
    for (;;) {
      const std::string path = fmt::format("{}{}{}-{}", target_, kTemporary, getpid(), counter++);
      Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL);
      if (!file.is_open() && errno != EEXIST) fail(target_, "cannot be created", errno);
      if (!file.is_open() || !keep(file)) continue;
      path_ = path;
      return file;
    }
  }

  // Locks a new file against sweeping; false when another process was faster and has removed it.
  // Where there are no locks nobody sweeps.
  static bool keep(const Descriptor& file) {
    if (retry([&] { return flock(file.get(), LOCK_EX); }) != 0) return true;
    struct stat status {};
    return fstat(file.get(), &status) != 0 || status.st_nlink > 0;
  }

  void flush() {
    write_all(file_.get(), buffer_, target_);
    buffer_.clear();
  }

  std::string target_;
  std::string path_;
  Descriptor folder_;
  Descriptor file_;
  std::vector<std::byte> buffer_;
};

}  // namespace

void replace_file(const std::string& path, const std::function<void(FileWriter&)>& body) {
  Temporary temporary(path);
  body(temporary);
  temporary.replace_target();
}

void move_file(const std::string& from, const std::string& to) {
  const Descriptor folder(folder_of(to), O_RDONLY | O_DIRECTORY);
  if (!folder.is_open()) fail(to, "its folder cannot be opened", errno);
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(to, "cannot be replaced", errno);
  sync_folder(folder, to);
}

bool claim_file(const std::string& path) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open() && errno != EEXIST) fail(path, "cannot be made", errno);
  return file.is_open();
}

void append_to_file(const std::string& path, std::string_view bytes) {
  const Descriptor file(path, O_WRONLY | O_APPEND | O_CREAT);
  if (!file.is_open()) fail(path, "cannot be opened", errno);
  struct stat before {};
  if (fstat(file.get(), &before) != 0) fail(path, "cannot be examined", errno);
  try {
    write_all(file.get(), std::as_bytes(std::span(bytes)), path);
    if (retry([&] { return fsync(file.get()); }) != 0) fail(path, "cannot be synchronized", errno);
  } catch (const FileError& error) {
    if (ftruncate(file.get(), before.st_size) == 0) throw;
    throw FileError(std::string(error.what()) + ", leaving a partial line or record");
  }
}

std::string read_file(const std::string& path, std::uint64_t limit) {
  // Without O_NONBLOCK the open of a FIFO would wait for a writer before it can be refused.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  if (!file.is_open()) fail(path, "cannot be opened", errno);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail(path, "cannot be examined", errno);
  if (!S_ISREG(status.st_mode)) throw FileError(path + ": is not a regular file");

  const auto check_size = [&](std::uint64_t size) {
    if (size > limit)
      throw DataError(fmt::format("{}: has {} bytes, at most {} are accepted", path, size, limit));
  };
  check_size(static_cast<std::uint64_t>(status.st_size));
  // The stated size is a hint only: the file may change meanwhile, and in /proc it is 0.
  std::string content(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    const ssize_t got =
        retry([&] { return read(file.get(), content.data() + size, content.size() - size); });
    if (got < 0) fail(path, "cannot be read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    check_size(size);
    if (size == content.size()) content.resize(size + kReadChunk);
  }
  content.resize(size);
  return content;
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail(path, "the folder cannot be made", error.value());
  if (!std::filesystem::is_directory(path, error)) fail(path, "the folder cannot be made", ENOTDIR);
}

FileLock::FileLock(const std::string& path) {
  Descriptor file(path, O_RDWR | O_CREAT);
  if (!file.is_open()) fail(path, "the lock cannot be opened", errno);
  if (retry([&] { return flock(file.get(), LOCK_EX); }) != 0)
    fail(path, "the lock cannot be taken", errno);
  descriptor_ = file.release();
}

FileLock::~FileLock() {
  close(descriptor_);
}

}  // namespace engine
