#include "models/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "models/data/cifar.h"
#include "models/data/image_folder.h"
#include "models/data/input_file.h"
#include "models/data/mnist.h"
#include "models/data/synthetic.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSynthetic = "synthetic";

std::unique_ptr<Dataset> open_synthetic(const std::string& source,
                                        const DatasetExpectation& expected) {
  if (source == kSynthetic) return make_synthetic(default_synthetic_count(expected), expected);
  const char* begin = source.data() + kSynthetic.size() + 1;
  const char* end = source.data() + source.size();
  std::int64_t count = 0;
  const auto [stop, error] = std::from_chars(begin, end, count);
  if (error != std::errc{} || stop != end || count < 1 || count > kSyntheticMost)
    throw UsageError(
        fmt::format("data '{}': expected synthetic:N with N from 1 to {}", source, kSyntheticMost));
  return make_synthetic(count, expected);
}

/// The first few names in `folder`, in order, for an error message.
std::string listing(const fs::path& folder) {
  constexpr std::size_t kShown = 8;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(printable(entry->path().filename().native()));
  if (error) return fmt::format("cannot be listed: {}", error.message());
  if (names.empty()) return "is empty";
  std::sort(names.begin(), names.end());
  std::string out = "has ";
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i)
    out += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kShown) out += fmt::format(" and {} more", names.size() - kShown);
  return out;
}

std::vector<FolderLayout> folder_layouts() {
  return {mnist_layout(), cifar10_layout(), cifar100_layout(), image_folder_layout()};
}

/// What all layouts are looked for by.
std::string known_files() {
  std::string out;
  for (const FolderLayout& layout : folder_layouts())
    out += (out.empty() ? "" : "; or ") + layout.files;
  return out;
}

bool is_synthetic(const std::string& source) {
  return source == kSynthetic || source.starts_with("synthetic:");
}

/// The layout of the folder `source`.
FolderLayout find_layout(const std::string& source) {
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (!fs::exists(status))
    throw DataError(fmt::format(
        "{}: no such data folder; expected a folder, synthetic or synthetic:N", source));
  if (!fs::is_directory(status))
    throw DataError(
        fmt::format("{}: is not a folder; expected one with {}", source, known_files()));
  for (const FolderLayout& layout : folder_layouts())
    if (layout.recognises(source)) return layout;
  throw DataError(fmt::format("{}: no known data set: looked for {}; the folder {}", source,
                              known_files(), listing(source)));
}

}  // namespace

std::string part_name(Part part) {
  switch (part) {
    case Part::train:
      return "train";
    case Part::test:
      return "test";
    case Part::validation:
      return "validation";
  }
  throw InternalError("a part outside its enumeration");
}

std::unique_ptr<RowReader> Dataset::rows(Part part) const {
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(count(part)) * observation_type().bytes());
  read_observations(part, [&](std::span<const std::byte> chunk) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  });
  return std::make_unique<HeldRows>(std::move(bytes));
}

std::vector<std::uint8_t> Dataset::read_labels(Part part) const {
  ENGINE_CHECK(target_type() == (TensorType{Shape{}, DType::u8}), "targets that are labels");
  std::vector<std::uint8_t> labels;
  labels.reserve(static_cast<std::size_t>(count(part)));
  read_targets(part, [&](std::span<const std::byte> bytes) {
    for (std::byte byte : bytes) labels.push_back(std::to_integer<std::uint8_t>(byte));
  });
  return labels;
}

std::unique_ptr<Dataset> open_dataset(const std::string& source,
                                      const DatasetExpectation& expected) {
  ENGINE_CHECK(expected.classes >= 1 && expected.observation.element_count() >= 1,
               "a model without classes or input");
  if (is_synthetic(source)) return open_synthetic(source, expected);
  return find_layout(source).open(source, expected);
}

std::optional<DatasetNature> nature_of_dataset(const std::string& source) {
  if (is_synthetic(source)) return std::nullopt;
  return find_layout(source).nature(source);
}

}  // namespace engine
