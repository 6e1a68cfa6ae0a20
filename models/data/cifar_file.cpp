#include "models/data/cifar_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "engine/core/error.h"
#include "models/data/input_file.h"

namespace engine {

CifarFile::CifarFile(const std::string& path, std::size_t label_bytes)
    : path_(path), label_bytes_(label_bytes) {
  const std::uint64_t size = InputFile(path).size();
  if (size == 0 || size % record() != 0)
    throw DataError(fmt::format("{}: {} bytes are not a whole number of records of {} bytes{}",
                                path, size, record(), size == 0 ? ": the file is empty" : ""));
  count_ = static_cast<std::int64_t>(size / record());
}

InputFile CifarFile::open() const {
  InputFile file(path_);
  const std::uint64_t total = static_cast<std::uint64_t>(count_) * record();
  if (file.size() != total)
    throw DataError(fmt::format("{}: changed while in use: it had {} bytes, now {}", path_, total,
                                file.size()));
  return file;
}

void CifarFile::read_image(const InputFile& file, std::int64_t index,
                           std::span<std::byte> out) const {
  const std::uint64_t offset = static_cast<std::uint64_t>(index) * record() + label_bytes_;
  const std::size_t got = file.read_at(offset, out);
  if (got < out.size()) throw ends_early(offset + got);
}

DataError CifarFile::ends_early(std::uint64_t at) const {
  return DataError(fmt::format("{}: changed while in use: it ends at byte {} of {}", path_, at,
                               static_cast<std::uint64_t>(count_) * record()));
}

void CifarFile::read(std::size_t first, std::size_t length, const ByteSink& sink) const {
  const InputFile file = open();
  const std::uint64_t total = file.size();
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kSinkBytes / record() * record(), total));
  for (std::uint64_t offset = 0; offset < total; offset += chunk.size()) {
    const std::span<std::byte> bytes =
        std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), total - offset));
    const std::size_t got = file.read_at(offset, bytes);
    if (got < bytes.size()) throw ends_early(offset + got);
    // What is wanted of the records moves together at the front.
    const std::size_t records = bytes.size() / record();
    for (std::size_t i = 0; i < records; ++i)
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * record() + first), length,
                  bytes.begin() + static_cast<std::ptrdiff_t>(i * length));
    sink(bytes.first(records * length));
  }
}

}  // namespace engine
