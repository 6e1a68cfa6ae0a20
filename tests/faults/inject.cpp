// Preloaded into a process, makes one of its calls on files go wrong. The calls on paths that begin
// with $FAULT_PATH, and on descriptors opened there, are counted from 1; the one whose number is
// $FAULT_CALL gets what $FAULT_ACTION says:
//
//   ENOSPC, EIO, EINTR   it fails; a close has closed all the same, as on Linux
//   short                a write takes half of its bytes
//   full                 the same, and every later write fails with ENOSPC
//   kill                 SIGKILL, a write half done
//
// Each counted call is a line "NUMBER NAME PATH" of the file $FAULT_LIST, where that is set.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

constexpr int kDescriptors = 4096;
std::atomic<bool> watched[kDescriptors];
std::atomic<long> calls{0};

template <class F>
F* next(F*, const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
#define NEXT(function) next(&function, #function)

const char* setting(const char* name) {
  const char* value = getenv(name);
  return value != nullptr ? value : "";
}

bool is_action(const char* name) {
  return strcmp(setting("FAULT_ACTION"), name) == 0;
}

int error_of_action() {
  if (is_action("ENOSPC") || is_action("full")) return ENOSPC;
  return is_action("EINTR") ? EINTR : EIO;
}

bool is_watched(const char* path) {
  const char* prefix = setting("FAULT_PATH");
  return *prefix != '\0' && strncmp(path, prefix, strlen(prefix)) == 0;
}

bool is_watched(int file) {
  return file >= 0 && file < kDescriptors && watched[file];
}

void watch(int file, bool value) {
  if (file >= 0 && file < kDescriptors) watched[file] = value;
}

void list(long number, const char* call, const char* path) {
  const char* name = setting("FAULT_LIST");
  if (*name == '\0') return;
  static const int out = NEXT(open)(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  char line[PATH_MAX + 64];
  const int length = snprintf(line, sizeof line, "%ld %s %s\n", number, call, path);
  if (NEXT(write)(out, line, static_cast<size_t>(length)) != length) abort();
}

enum class Turn { proceed, strike, full };

// Counts a call on `path`. What fails is decided here; the process is killed here unless the call
// has something to do half before (`half`).
Turn count(const char* call, const char* path, bool half = false) {
  const int error = errno;
  const long number = ++calls, wanted = strtol(setting("FAULT_CALL"), nullptr, 10);
  list(number, call, path);
  errno = error;
  if (number == wanted && is_action("kill") && !half) raise(SIGKILL);
  if (number == wanted) return Turn::strike;
  return wanted > 0 && number > wanted && is_action("full") ? Turn::full : Turn::proceed;
}

Turn count(const char* call, int file, bool half = false) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  return count(call, path, half);
}

// Whether a call that takes no space on the disk, and cannot be done half, fails.
bool fails(Turn turn) {
  if (turn != Turn::strike || is_action("short") || is_action("full")) return false;
  errno = error_of_action();
  return true;
}

// The same for calls that no signal interrupts.
bool fails_for_good(Turn turn) {
  return !is_action("EINTR") && fails(turn);
}

int open_watched(int file, const char* path) {
  watch(file, is_watched(path));
  return file;
}

mode_t mode_argument(int flags, va_list& list) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_argument(flags, list);
  va_end(list);
  if (is_watched(path) && fails(count("open", path))) return -1;
  return open_watched(NEXT(open)(path, flags, mode), path);
}

FILE* fopen(const char* path, const char* mode) {
  if (is_watched(path) && fails(count("fopen", path))) return nullptr;
  FILE* file = NEXT(fopen)(path, mode);
  if (file != nullptr) open_watched(fileno(file), path);
  return file;
}

ssize_t write(int file, const void* bytes, size_t size) {
  if (!is_watched(file)) return NEXT(write)(file, bytes, size);
  const Turn turn = count("write", file, true);
  if (turn == Turn::full) {
    errno = ENOSPC;
    return -1;
  }
  if (turn == Turn::proceed) return NEXT(write)(file, bytes, size);
  if (fails(turn) && !is_action("kill")) return -1;
  const ssize_t written = NEXT(write)(file, bytes, size / 2 + size % 2);
  if (is_action("kill")) raise(SIGKILL);
  return written;
}

ssize_t read(int file, void* bytes, size_t size) {
  if (is_watched(file) && fails(count("read", file))) return -1;
  return NEXT(read)(file, bytes, size);
}

ssize_t pread(int file, void* bytes, size_t size, off_t offset) {
  if (is_watched(file) && fails(count("pread", file))) return -1;
  return NEXT(pread)(file, bytes, size, offset);
}

int fflush(FILE* stream) {
  if (stream == nullptr || !is_watched(fileno(stream))) return NEXT(fflush)(stream);
  const Turn turn = count("fflush", fileno(stream));
  if (turn == Turn::full) errno = ENOSPC;
  return turn == Turn::full || fails(turn) ? EOF : NEXT(fflush)(stream);
}

int fsync(int file) {
  return is_watched(file) && fails(count("fsync", file)) ? -1 : NEXT(fsync)(file);
}

int ftruncate(int file, off_t size) {
  return is_watched(file) && fails(count("ftruncate", file)) ? -1 : NEXT(ftruncate)(file, size);
}

int flock(int file, int operation) {
  return is_watched(file) && fails(count("flock", file)) ? -1 : NEXT(flock)(file, operation);
}

int close(int file) {
  if (!is_watched(file)) return NEXT(close)(file);
  const Turn turn = count("close", file);
  watch(file, false);
  const int status = NEXT(close)(file);
  return fails(turn) ? -1 : status;
}

int rename(const char* from, const char* to) {
  return is_watched(to) && fails_for_good(count("rename", to)) ? -1 : NEXT(rename)(from, to);
}

int unlink(const char* path) {
  return is_watched(path) && fails_for_good(count("unlink", path)) ? -1 : NEXT(unlink)(path);
}

int mkdir(const char* path, mode_t mode) {
  return is_watched(path) && fails_for_good(count("mkdir", path)) ? -1 : NEXT(mkdir)(path, mode);
}

}  // extern "C"
