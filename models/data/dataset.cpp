#include "models/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "models/data/babi.h"
#include "models/data/cifar.h"
#include "models/data/image_folder.h"
#include "models/data/imdb.h"
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
  return {mnist_layout(), cifar10_layout(), cifar100_layout(),
          imdb_layout(),  babi_layout(),    image_folder_layout()};
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

/// What the layout opens: `source`, or a task in it.
fs::path place_of(const FolderLayout& layout, const std::string& source, const std::string& task) {
  if (layout.find_task != nullptr) return layout.find_task(source, task);
  if (!task.empty())
    throw UsageError(
        fmt::format("--task {}: {} holds one data set, not several tasks", task, source));
  return source;
}

void require_kind(const FolderLayout& layout, const std::string& source,
                  const DatasetExpectation& expected) {
  if (layout.text == expected.text.has_value()) return;
  const std::string observation = expected.observation.to_string();
  throw DataError(
      layout.text
          ? fmt::format("{}: holds text, the model expects {}, and not of tokens", source,
                        observation)
          : fmt::format("{}: holds no text, the model expects tokens {}", source, observation));
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

std::unique_ptr<Dataset> open_dataset(const std::string& source, const DatasetExpectation& expected,
                                      const std::string& task) {
  ENGINE_CHECK(expected.classes >= 1 && expected.observation.element_count() >= 1,
               "a model without classes or input");
  if (is_synthetic(source)) return open_synthetic(source, expected);
  const FolderLayout layout = find_layout(source);
  require_kind(layout, source, expected);
  return layout.open(place_of(layout, source, task), expected);
}

std::optional<DatasetNature> nature_of_dataset(const std::string& source, const std::string& task) {
  if (is_synthetic(source)) return std::nullopt;
  const FolderLayout layout = find_layout(source);
  return layout.nature(place_of(layout, source, task));
}

}  // namespace engine
