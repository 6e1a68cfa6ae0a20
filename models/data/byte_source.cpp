// gzip (RFC 1952): exactly one member is accepted. zlib verifies its CRC and length when the end is
// reached, which a reader provokes by asking for one byte more than it expects.
#include "models/data/byte_source.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "engine/core/error.h"
#include "models/data/input_file.h"

namespace engine {
namespace {

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(InputFile file) : file_(std::move(file)) {}

  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = file_.read_at(offset_, out);
    offset_ += count;
    return count;
  }
  Size size() const override { return {file_.size(), file_.size()}; }

 private:
  InputFile file_;
  std::uint64_t offset_ = 0;
};

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(InputFile file) : file_(std::move(file)), input_(kInputBytes) {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, kGzipOnly + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size() && !ended_) done += inflate_into(out.subspan(done));
    return done;
  }

  /// Deflate encodes at most 258 bytes in two bits, so it cannot expand more than 1032-fold.
  Size size() const override {
    constexpr std::uint64_t kMostExpansion = 1032;
    return {0, file_.size() < std::numeric_limits<std::uint64_t>::max() / kMostExpansion
                   ? file_.size() * kMostExpansion
                   : std::numeric_limits<std::uint64_t>::max()};
  }

 private:
  static constexpr std::size_t kInputBytes = 64 * 1024;

  std::uint64_t position() const { return offset_ - stream_.avail_in; }

  std::size_t inflate_into(std::span<std::byte> out) {
    if (stream_.avail_in == 0) refill();
    const uInt room = static_cast<uInt>(std::min<std::size_t>(out.size(), 1u << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = room;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      ended_ = true;
      if (position() != file_.size())
        throw DataError(fmt::format("{}: the gzip data end at byte {}, but the file has {} bytes",
                                    file_.path(), position(), file_.size()));
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      throw DataError(fmt::format("{}: damaged gzip data near byte {} of {}: {}", file_.path(),
                                  position(), file_.size(),
                                  stream_.msg != nullptr ? stream_.msg : zError(status)));
    }
    return room - stream_.avail_out;
  }

  void refill() {
    const std::size_t count = file_.read_at(offset_, input_);
    if (count == 0)
      throw DataError(fmt::format("{}: the gzip data are cut short: the file ends at byte {}",
                                  file_.path(), file_.size()));
    offset_ += count;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(count);
  }

  InputFile file_;
  std::vector<std::byte> input_;
  std::uint64_t offset_ = 0;
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> open_byte_source(const std::string& path) {
  InputFile file(path);
  if (path.ends_with(".gz")) return std::make_unique<GzipSource>(std::move(file));
  return std::make_unique<PlainSource>(std::move(file));
}

}  // namespace engine
