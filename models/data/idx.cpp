#include "models/data/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::uint32_t kUnsignedBytes = 0x08;

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::byte byte : bytes.first(4)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

std::string describe(ByteSource::Size size) {
  if (size.least == size.most) return fmt::format("the file has {}", size.most);
  return fmt::format("a gzip file of its size holds at most {}", size.most);
}

}  // namespace

IdxFile::IdxFile(const std::string& path, int rank) : path_(path), rank_(rank) {
  shape_ = read_header(*open_byte_source(path));
}

Shape IdxFile::read_header(ByteSource& source) const {
  std::array<std::byte, 4 + 4 * Shape::kMaxRank> storage;
  const std::size_t length = 4 + 4 * static_cast<std::size_t>(rank_);
  const std::span<std::byte> header = std::span(storage).first(length);
  const std::size_t got = source.read(header);
  if (got < 4)
    throw DataError(fmt::format("{}: {} bytes are no IDX header of {}", path_, got, length));

  const std::uint32_t magic = big_endian(header);
  const std::uint32_t expected = kUnsignedBytes << 8 | static_cast<std::uint32_t>(rank_);
  if (magic != expected)
    throw DataError(fmt::format(
        "{}: magic number {:#010x} at byte 0, expected {:#010x} (unsigned bytes in {} dimensions)",
        path_, magic, expected, rank_));
  if (got < length)
    throw DataError(fmt::format("{}: the header ends at byte {} of {}", path_, got, length));

  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < static_cast<std::size_t>(rank_); ++i) {
    extents.push_back(big_endian(header.subspan(4 + 4 * i)));
    if (extents.back() == 0)
      throw DataError(fmt::format("{}: dimension {} at byte {} is 0: the data set is empty", path_,
                                  i, 4 + 4 * i));
  }
  std::uint64_t total = 1;
  bool overflow = false;
  for (std::int64_t extent : extents)
    overflow |= __builtin_mul_overflow(total, static_cast<std::uint64_t>(extent), &total);
  overflow |= __builtin_add_overflow(total, length, &total);
  const std::string product = fmt::format("{} + {}", fmt::join(extents, " x "), length);
  if (overflow)
    throw DataError(fmt::format("{}: dimensions {} bytes overflow 64 bits", path_, product));
  const ByteSource::Size size = source.size();
  if (total < size.least || total > size.most)
    throw DataError(fmt::format("{}: the header promises {} = {} bytes, but {}", path_, product,
                                total, describe(size)));
  return Shape(extents);
}

void IdxFile::read(const ByteSink& sink) const {
  const std::unique_ptr<ByteSource> source = open_byte_source(path_);
  const Shape now = read_header(*source);
  if (now != shape_)
    throw DataError(fmt::format("{}: changed while in use: the header said {}, now {}", path_,
                                shape_.to_string(), now.to_string()));

  const std::uint64_t total = static_cast<std::uint64_t>(shape_.element_count());
  std::vector<std::byte> chunk(std::min<std::uint64_t>(total, kSinkBytes));
  for (std::uint64_t done = 0; done < total;) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), total - done);
    const std::size_t got = source->read(std::span(chunk).first(wanted));
    if (got < wanted)
      throw DataError(fmt::format("{}: the data end after {} bytes, the header {} promises {}",
                                  path_, done + got, shape_.to_string(), total));
    sink(std::span(chunk).first(got));
    done += got;
  }
  std::byte beyond;
  if (source->read(std::span(&beyond, 1)) != 0)
    throw DataError(
        fmt::format("{}: there are data beyond the {} bytes that the header {} promises", path_,
                    total, shape_.to_string()));
}

}  // namespace engine
