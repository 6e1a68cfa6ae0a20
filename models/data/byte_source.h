// The bytes of a file in order, plain or decompressed on the way, in bounded memory. How many there
// can be is known before the first is read, so a header's promise can be refused without allocating
// for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace engine {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills `out` from its front; the count is below out.size() only at the end of the data. Throws
  /// DataError for compressed data that are damaged, cut short or followed by anything.
  virtual std::size_t read(std::span<std::byte> out) = 0;

  struct Size {
    std::uint64_t least;
    std::uint64_t most;
  };
  /// Bounds of the total count.
  virtual Size size() const = 0;
};

/// Opens `path`, as gzip when its name ends in ".gz". Throws DataError when it cannot be opened.
std::unique_ptr<ByteSource> open_byte_source(const std::string& path);

}  // namespace engine
