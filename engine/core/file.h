// Files that are replaced whole or not at all, and files that are read with distrust.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace engine {

/// Writes bytes in order; hands errors out as FileError.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  void write(const std::string& text) { write(std::as_bytes(std::span(text))); }
};

/// Replaces `path` by what `body` writes: temporary beside it, write-all, fsync, rename, fsync of
/// the folder. When anything fails the former file is whole, the temporary is gone, and FileError
/// says why. Temporaries of `path` that killed processes left are removed on the way.
void replace_file(const std::string& path, const std::function<void(FileWriter&)>& body);

/// Renames a file within its folder, replacing `to`, and waits until that is on disk. Throws
/// FileError.
void move_file(const std::string& from, const std::string& to);

/// Makes an empty file; false when there is something at `path` already, so that of several who try
/// one succeeds. Throws FileError.
bool claim_file(const std::string& path);

/// Adds `bytes` at the end of `path` (made if absent) and waits until they are on disk. When that
/// fails, throws FileError; what was added is taken back if it can be.
void append_to_file(const std::string& path, std::string_view bytes);

/// The whole of a regular file of at most `limit` bytes; throws DataError naming the path and the
/// size when it is larger, FileError when it cannot be read.
std::string read_file(const std::string& path, std::uint64_t limit);

/// Creates a folder and its parents; throws FileError.
void make_folder(const std::string& path);

/// An exclusive lock on `path` (made if absent) shared by cooperating processes, held until
/// destruction.
class FileLock {
 public:
  explicit FileLock(const std::string& path);  ///< Waits for the lock; throws FileError.
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace engine
