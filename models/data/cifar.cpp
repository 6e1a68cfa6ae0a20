#include "models/data/cifar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <system_error>
#include <vector>

#include "engine/core/error.h"
#include "models/data/checks.h"
#include "models/data/cifar_file.h"
#include "models/data/input_file.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

struct Version {
  const char* name;
  const char* subfolder;  ///< what the archive unpacks to
  std::size_t label_bytes;
  int classes;
  std::vector<std::string> train, test;
  const char* class_names;  ///< a file with a name a line, which need not be there

  std::vector<std::string> files() const {
    std::vector<std::string> all = train;
    all.insert(all.end(), test.begin(), test.end());
    return all;
  }
};

const Version kCifar10{"CIFAR-10",
                       "cifar-10-batches-bin",
                       1,
                       10,
                       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                        "data_batch_4.bin", "data_batch_5.bin"},
                       {"test_batch.bin"},
                       "batches.meta.txt"};
const Version kCifar100{"CIFAR-100",  "cifar-100-binary",    2, 100, {"train.bin"},
                        {"test.bin"}, "fine_label_names.txt"};

bool has_file_of(const Version& version, const fs::path& folder) {
  const std::vector<std::string> files = version.files();
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    std::error_code ignored;  // what cannot be examined is not there
    return fs::exists(folder / file, ignored);
  });
}

/// `folder`, or the one in it that has the files; empty where neither has.
fs::path locate(const Version& version, const fs::path& folder) {
  for (const fs::path& place : {folder, folder / version.subfolder})
    if (has_file_of(version, place)) return place;
  return {};
}

/// The first lines of a file, one a class; none where it does not have as many.
std::vector<std::string> read_class_names(const fs::path& path, int classes) {
  std::ifstream file(path);
  std::vector<std::string> names;
  for (std::string line; static_cast<int>(names.size()) < classes && std::getline(file, line);)
    names.push_back(printable(line));
  const bool complete = static_cast<int>(names.size()) == classes &&
                        std::none_of(names.begin(), names.end(), std::mem_fn(&std::string::empty));
  return complete ? names : std::vector<std::string>{};
}

const Shape kStored{3, 32, 32};

class CifarRows final : public RowReader {
 public:
  explicit CifarRows(const std::vector<CifarFile>& files) : files_(files) {
    for (const CifarFile& file : files) opened_.push_back(file.open());
  }
  void read(std::int64_t index, const RowVariation&, std::span<std::byte> out) const override {
    std::size_t file = 0;
    while (index >= files_[file].count()) index -= files_[file++].count();
    files_[file].read_image(opened_[file], index, out);
  }

 private:
  const std::vector<CifarFile>& files_;
  std::vector<InputFile> opened_;
};

class Cifar final : public Dataset {
 public:
  Cifar(const Version& version, const fs::path& folder, const DatasetExpectation& expected)
      : expected_(expected),
        class_names_(read_class_names(folder / version.class_names, version.classes)),
        parts_{open_files(version, version.train, folder),
               open_files(version, version.test, folder)},
        description_(fmt::format("{} in {}: {} training and {} test observations", version.name,
                                 folder.native(), count(Part::train), count(Part::test))) {
    if (!reads_as(kStored, expected.observation))
      throw DataError(fmt::format("{}: images of {} are {}, the model expects {}", folder.native(),
                                  version.name, kStored.to_string(),
                                  expected.observation.to_string()));
  }

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return {expected_.observation, DType::u8}; }
  int classes() const override { return expected_.classes; }
  std::vector<std::string> class_names() const override { return class_names_; }
  std::int64_t count(Part part) const override {
    std::int64_t total = 0;
    for (const CifarFile& file : files(part)) total += file.count();
    return total;
  }

  void read_observations(Part part, const ByteSink& sink) const override {
    for (const CifarFile& file : files(part)) file.read_images(sink);
  }
  void read_targets(Part part, const ByteSink& sink) const override {
    for (const CifarFile& file : files(part))
      file.read_labels(checked_labels(expected_.classes, file.path(), sink));
  }

  std::unique_ptr<RowReader> rows(Part part) const override {
    return std::make_unique<CifarRows>(files(part));
  }
  bool holds_rows() const override { return false; }

 private:
  using Files = std::vector<CifarFile>;

  const Files& files(Part part) const {
    static const Files kNone;
    return part == Part::validation ? kNone : parts_[static_cast<std::size_t>(part)];
  }

  static Files open_files(const Version& version, const std::vector<std::string>& names,
                          const fs::path& folder) {
    Files files;
    for (const std::string& name : names) {
      std::error_code ignored;  // opening it would say the same
      if (!fs::exists(folder / name, ignored))
        throw DataError(fmt::format("{}: the data set is incomplete: there is no {}, {} has {}",
                                    folder.native(), name, version.name,
                                    fmt::join(version.files(), ", ")));
      files.emplace_back((folder / name).native(), version.label_bytes);
    }
    return files;
  }

  DatasetExpectation expected_;
  std::vector<std::string> class_names_;
  std::array<Files, 2> parts_;  // in the order of Part
  std::string description_;
};

template <const Version& version>
FolderLayout layout() {
  return {fmt::format("{}", fmt::join(version.files(), ", ")),
          [](const fs::path& folder) { return !locate(version, folder).empty(); },
          [](const fs::path& folder, const DatasetExpectation& expected) {
            return std::unique_ptr<Dataset>(
                std::make_unique<Cifar>(version, locate(version, folder), expected));
          },
          [](const fs::path&) {
            return DatasetNature{kStored, version.classes};
          }};
}

}  // namespace

FolderLayout cifar10_layout() {
  return layout<kCifar10>();
}

FolderLayout cifar100_layout() {
  return layout<kCifar100>();
}

}  // namespace engine
