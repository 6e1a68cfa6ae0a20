// A regular file that is read with distrust: its size is known from the descriptor that is read, so
// lengths promised inside it can be checked before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace engine {

class InputFile {
 public:
  /// Throws DataError when there is no regular file at `path` or it may not be read.
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  /// Fills `out` with the bytes from `offset` on; the count is below out.size() only when the file
  /// ends there. Throws FileError when the system fails to read.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

/// `text` as found in a file or a folder, made fit for one line of a message: control characters
/// become '?', and what exceeds 80 bytes is cut.
std::string printable(std::string_view text);

}  // namespace engine
