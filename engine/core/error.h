// The exception types of the engine. Every message is one line, fit for a user: it names the file,
// tensor or option, the value found and what was expected. The tools map a type to an exit status.
#pragma once

#include <stdexcept>
#include <string>

namespace engine {

/// Base of everything the engine throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An option, attribute or call that makes no sense (exit status 2).
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A file, record or label that is not what its format promises (exit status 3).
class DataError : public Error {
 public:
  using Error::Error;
};

/// Shapes or dtypes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A device, driver or library call that failed. After a sticky error no further call on that
/// device can succeed, so destructors stay silent and the process should end.
class DeviceError : public Error {
 public:
  explicit DeviceError(const std::string& message, bool sticky = false)
      : Error(message), sticky_(sticky) {}
  bool sticky() const { return sticky_; }

 private:
  bool sticky_;
};

/// More memory was asked for than the device or the limit of the run has left.
class OutOfMemoryError : public DeviceError {
 public:
  explicit OutOfMemoryError(const std::string& message) : DeviceError(message) {}
};

/// Reading, writing or replacing a file failed in the operating system.
class FileError : public Error {
 public:
  using Error::Error;
};

/// Training cannot go on (a loss that is not finite, say); the last good checkpoint is intact.
class TrainingError : public Error {
 public:
  using Error::Error;
};

/// An invariant of the engine itself is broken: a bug, never the user's doing.
class InternalError : public Error {
 public:
  using Error::Error;
};

namespace detail {
[[noreturn]] void fail_check(const char* expression, const char* file, int line,
                             const std::string& message);
}

}  // namespace engine

/// Guards an invariant: throws InternalError naming the expression and the place.
#define ENGINE_CHECK(condition, message)                                                       \
  do {                                                                                         \
    if (!(condition)) ::engine::detail::fail_check(#condition, __FILE__, __LINE__, (message)); \
  } while (false)
