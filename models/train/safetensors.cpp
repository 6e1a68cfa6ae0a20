#include "models/train/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/core/file.h"
#include "models/train/strict_json.h"

namespace engine {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

constexpr const char* kMetadataKey = "__metadata__";
constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr int kDeepest = 3;  // the header, a tensor, its shape

constexpr std::array<std::pair<DType, const char*>, 7> kDtypes{{{DType::f32, "F32"},
                                                                {DType::f64, "F64"},
                                                                {DType::i32, "I32"},
                                                                {DType::i64, "I64"},
                                                                {DType::u8, "U8"},
                                                                {DType::u32, "U32"},
                                                                {DType::bf16, "BF16"}}};

const char* stored_name(DType dtype) {
  return std::find_if(kDtypes.begin(), kDtypes.end(),
                      [&](auto& entry) { return entry.first == dtype; })
      ->second;
}

void sort_for_storage(std::vector<TensorSource>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorSource& a, const TensorSource& b) {
    const std::size_t size_a = dtype_size(a.type.dtype);
    const std::size_t size_b = dtype_size(b.type.dtype);
    return size_a != size_b ? size_a > size_b : a.name < b.name;
  });
}

/// The length field and the header, padded with spaces so that the data start at a multiple of 8.
std::string make_header(const std::vector<TensorSource>& tensors, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t offset = 0;
  for (const TensorSource& tensor : tensors) {
    if (header.contains(tensor.name) || tensor.name == kMetadataKey)
      throw UsageError(fmt::format("safetensors: tensor name '{}' is taken", tensor.name));
    const std::uint64_t end = offset + tensor.type.bytes();
    header[tensor.name] = {{"dtype", stored_name(tensor.type.dtype)},
                           {"shape", tensor.type.shape.extents()},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& failure) {
    throw UsageError(fmt::format("safetensors: {}", failure.what()));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string length(kLengthBytes, '\0');
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length[i] = static_cast<char>(text.size() >> (8 * i));
  return length + text;
}

/// A number of a header that must be an integer of at most 2^63 - 1.
std::int64_t parse_size(const json& value, const std::string& where) {
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    throw DataError(
        fmt::format("{} is {}, expected a non-negative integer", where, printable(value.dump())));
  return value.get<std::int64_t>();
}

std::vector<std::int64_t> parse_sizes(const json& tensor, const char* field,
                                      const std::string& where) {
  const std::string place = fmt::format("{}: {}", where, field);
  const auto found = tensor.find(field);
  if (found == tensor.end()) throw DataError(place + " is missing");
  if (!found->is_array())
    throw DataError(fmt::format("{} is {}, expected an array", place, printable(found->dump())));
  std::vector<std::int64_t> sizes;
  for (const json& value : *found) sizes.push_back(parse_size(value, place));
  return sizes;
}

DType parse_dtype(const json& tensor, const std::string& where) {
  const auto found = tensor.find("dtype");
  if (found == tensor.end()) throw DataError(where + ": dtype is missing");
  for (const auto& [dtype, name] : kDtypes)
    if (*found == name) return dtype;
  throw DataError(fmt::format("{}: dtype is {}, expected F32, F64, BF16, I32, I64, U8 or U32",
                              where, printable(found->dump())));
}

/// The offset is still relative to the data.
StoredTensor parse_tensor(const std::string& name, const json& tensor, const std::string& path) {
  const std::string where = fmt::format("{}: tensor '{}'", path, printable(name));
  if (!tensor.is_object()) throw DataError(where + " is not a JSON object");
  for (const auto& [key, value] : tensor.items())
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      throw DataError(fmt::format("{}: unknown field '{}'", where, printable(key)));
  StoredTensor out{name, {}, 0};
  std::uint64_t bytes = 0;
  try {
    const std::vector<std::int64_t> extents = parse_sizes(tensor, "shape", where);
    out.type = {Shape(extents), parse_dtype(tensor, where)};
    bytes = out.type.bytes();
  } catch (const ShapeError& error) {
    throw DataError(fmt::format("{}: {}", where, error.what()));
  }
  const std::vector<std::int64_t> range = parse_sizes(tensor, "data_offsets", where);
  if (range.size() != 2 || range[0] > range[1])
    throw DataError(fmt::format("{}: data_offsets are {}, expected [begin, end]", where,
                                printable(tensor["data_offsets"].dump())));
  if (static_cast<std::uint64_t>(range[1] - range[0]) != bytes)
    throw DataError(fmt::format("{}: data_offsets span {} bytes, {} has {}", where,
                                range[1] - range[0], out.type.to_string(), bytes));
  out.offset = static_cast<std::uint64_t>(range[0]);
  return out;
}

Metadata parse_metadata(const json& object, const std::string& path) {
  if (!object.is_object()) throw DataError(path + ": __metadata__ is not a JSON object");
  Metadata metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string())
      throw DataError(fmt::format("{}: __metadata__ '{}' is not text", path, printable(key)));
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

}  // namespace

void write_safetensors(const std::string& path, std::vector<TensorSource> tensors,
                       const Metadata& metadata) {
  sort_for_storage(tensors);
  const std::string header = make_header(tensors, metadata);
  replace_file(path, [&](FileWriter& file) {
    file.write(header);
    for (const TensorSource& tensor : tensors) {
      std::size_t written = 0;
      tensor.produce([&](std::span<const std::byte> bytes) {
        written += bytes.size();
        file.write(bytes);
      });
      ENGINE_CHECK(written == tensor.type.bytes(),
                   fmt::format("{} bytes were written for '{}', {}", written, tensor.name,
                               tensor.type.to_string()));
    }
  });
}

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  const std::string header = read_header();
  parse(header);
  verify_coverage(kLengthBytes + header.size());
}

std::string SafetensorsFile::read_header() const {
  std::array<std::byte, kLengthBytes> field;
  if (file_.read_at(0, field) < kLengthBytes)
    throw DataError(fmt::format("{}: has {} bytes, too few for safetensors", path(), file_.size()));
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(field[i]);
  const std::uint64_t most = std::min(kLongestHeader, file_.size() - kLengthBytes);
  if (length > most)
    throw DataError(fmt::format("{}: the header length at byte 0 is {}, at most {} is possible",
                                path(), length, most));
  std::string header(length, '\0');
  if (file_.read_at(kLengthBytes, std::as_writable_bytes(std::span(header))) < length)
    throw DataError(fmt::format("{}: ends within its header of {} bytes", path(), length));
  return header;
}

void SafetensorsFile::parse(const std::string& header) {
  if (!header.starts_with('{'))
    throw DataError(path() + ": the header at byte 8 is not a JSON object");
  const json root = parse_strict_json(header, path() + ": header", kDeepest);
  for (const auto& [name, value] : root.items()) {
    if (name == kMetadataKey)
      metadata_ = parse_metadata(value, path());
    else
      tensors_.push_back(parse_tensor(name, value, path()));
  }
}

void SafetensorsFile::verify_coverage(std::uint64_t data_begin) {
  std::sort(tensors_.begin(), tensors_.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::pair(a.offset, a.type.bytes()) < std::pair(b.offset, b.type.bytes());
  });
  std::uint64_t end = 0;
  for (StoredTensor& tensor : tensors_) {
    if (tensor.offset != end)
      throw DataError(fmt::format("{}: tensor '{}' begins at byte {} of the data, expected {}: {}",
                                  path(), printable(tensor.name), tensor.offset, end,
                                  tensor.offset < end ? "tensors overlap" : "there is a hole"));
    end += tensor.type.bytes();
    tensor.offset += data_begin;
  }
  if (end != file_.size() - data_begin)
    throw DataError(fmt::format("{}: the tensors cover {} bytes of data, the file has {}", path(),
                                end, file_.size() - data_begin));
}

const StoredTensor* SafetensorsFile::find(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const StoredTensor& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

void SafetensorsFile::read(const StoredTensor& tensor, std::span<std::byte> out) const {
  ENGINE_CHECK(out.size() == tensor.type.bytes(),
               "buffer of another size than '" + tensor.name + "'");
  const std::size_t got = file_.read_at(tensor.offset, out);
  if (got < out.size())
    throw DataError(fmt::format("{}: ends within tensor '{}', after {} of {} bytes", path(),
                                printable(tensor.name), got, out.size()));
}

}  // namespace engine
