// Observations one at a time, in any order: what loader threads fill batches from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/core/rng.h"

namespace engine {

/// What may make a row another one each time it is read: drawn by (key, epoch, index of the row).
/// Without a key rows are as they are evaluated.
struct RowVariation {
  std::optional<RandomKey> key;
  std::uint64_t epoch = 0;
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  /// Fills `out`, of the bytes of one observation, with row `index` of its part. Many threads may
  /// call it at once. Throws DataError where the data have become damaged since they were opened.
  virtual void read(std::int64_t index, const RowVariation& variation,
                    std::span<std::byte> out) const = 0;
};

/// Rows that lie in memory one after the other.
class MemoryRows : public RowReader {
 public:
  explicit MemoryRows(std::span<const std::byte> bytes) : bytes_(bytes) {}
  void read(std::int64_t index, const RowVariation&, std::span<std::byte> out) const override {
    const auto row = bytes_.subspan(static_cast<std::size_t>(index) * out.size(), out.size());
    std::copy(row.begin(), row.end(), out.begin());
  }

 private:
  std::span<const std::byte> bytes_;
};

/// The same, of memory that the reader owns.
class HeldRows final : public MemoryRows {
 public:
  explicit HeldRows(std::vector<std::byte> bytes) : MemoryRows(bytes), held_(std::move(bytes)) {}

 private:
  std::vector<std::byte> held_;  // moving it leaves its elements where they are
};

}  // namespace engine
