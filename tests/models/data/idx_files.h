// Makes IDX files, well-formed or not, and compresses them.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

inline std::string idx_bytes(std::uint32_t magic, const std::vector<std::uint32_t>& extents,
                             std::string_view payload) {
  std::string out;
  const auto append = [&out](std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(word >> shift);
  };
  append(magic);
  for (std::uint32_t extent : extents) append(extent);
  return out.append(payload);
}

inline constexpr std::uint32_t kImagesMagic = 0x803;
inline constexpr std::uint32_t kLabelsMagic = 0x801;

inline std::string images_bytes(std::uint32_t count, std::uint32_t rows, std::uint32_t columns) {
  std::string payload(std::size_t{count} * rows * columns, '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 7 + i / 251);
  return idx_bytes(kImagesMagic, {count, rows, columns}, payload);
}

inline std::string labels_bytes(std::string_view labels) {
  return idx_bytes(kLabelsMagic, {static_cast<std::uint32_t>(labels.size())}, labels);
}

/// One gzip member without name or time.
inline std::string gzip(std::string_view data) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

}  // namespace engine
