// The IDX format of MNIST: a big-endian header (two zero bytes, a type code, the number of
// dimensions, then each extent in 32 bits) and the elements, row-major, with nothing behind them.
// Only unsigned bytes are accepted. Every promise of the header is checked against the file before
// memory is spent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/shape.h"
#include "models/data/byte_source.h"

namespace engine {

/// Takes bytes that are valid during the call only.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Bytes that readers hand to a sink in one call, at most.
inline constexpr std::size_t kSinkBytes = std::size_t{1} << 20;

class IdxFile {
 public:
  /// Reads and checks the header. Throws DataError naming the file, the field, its value and what
  /// was expected: also for another rank than `rank`, an extent of 0 and a size the file cannot
  /// have.
  IdxFile(const std::string& path, int rank);

  const std::string& path() const { return path_; }
  const Shape& shape() const { return shape_; }
  std::int64_t count() const { return shape_[0]; }

  /// Streams the elements, opening the file anew; throws DataError for too few or too many of them,
  /// damaged compression, or a header that changed.
  void read(const ByteSink& sink) const;

 private:
  Shape read_header(ByteSource& source) const;

  std::string path_;
  int rank_;
  Shape shape_;
};

}  // namespace engine
