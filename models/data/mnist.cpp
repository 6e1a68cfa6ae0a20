#include "models/data/mnist.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "engine/core/error.h"
#include "models/data/checks.h"
#include "models/data/idx.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

struct PartNames {
  const char* images;
  const char* labels;
};
// In the order of Part.
constexpr std::array<PartNames, 2> kNames{{{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
                                           {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}}};

/// The plain file, else the compressed one, else an empty path.
fs::path find(const fs::path& folder, const char* name) {
  for (const char* suffix : {"", ".gz"}) {
    fs::path path = folder / (std::string(name) + suffix);
    std::error_code ignored;  // what cannot be examined is not there
    if (fs::exists(path, ignored)) return path;
  }
  return {};
}

IdxFile open_idx(const fs::path& folder, const char* name, int rank) {
  const fs::path path = find(folder, name);
  if (path.empty())
    throw DataError(fmt::format("{}: the data set is incomplete: there is no {} and no {}.gz",
                                folder.native(), name, name));
  return IdxFile(path.native(), rank);
}

class Mnist final : public Dataset {
 public:
  Mnist(const fs::path& folder, const DatasetExpectation& expected)
      : expected_(expected), parts_{open_part(folder, 0), open_part(folder, 1)} {
    description_ = fmt::format("IDX files in {}: {} training and {} test observations",
                               folder.native(), count(Part::train), count(Part::test));
  }

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return {expected_.observation, DType::u8}; }
  int classes() const override { return expected_.classes; }
  std::int64_t count(Part part) const override {
    return part == Part::validation ? 0 : files(part).images.count();
  }

  void read_observations(Part part, const ByteSink& sink) const override {
    files(part).images.read(sink);
  }

  void read_targets(Part part, const ByteSink& sink) const override {
    const IdxFile& file = files(part).labels;
    file.read(checked_labels(expected_.classes, file.path(), sink));
  }

 private:
  struct PartFiles {
    IdxFile images;
    IdxFile labels;
  };

  const PartFiles& files(Part part) const { return parts_[static_cast<std::size_t>(part)]; }

  PartFiles open_part(const fs::path& folder, std::size_t part) const {
    PartFiles files{open_idx(folder, kNames[part].images, 3),
                    open_idx(folder, kNames[part].labels, 1)};
    if (files.images.count() != files.labels.count())
      throw DataError(fmt::format("{}: has {} images, but {} has {} labels", files.images.path(),
                                  files.images.count(), files.labels.path(), files.labels.count()));
    const std::span<const std::int64_t> image = files.images.shape().extents().subspan(1);
    if (!reads_as(Shape({image.begin(), image.end()}), expected_.observation))
      throw DataError(fmt::format("{}: images are {} x {}, the model expects {}",
                                  files.images.path(), image[0], image[1],
                                  expected_.observation.to_string()));
    return files;
  }

  DatasetExpectation expected_;
  std::array<PartFiles, 2> parts_;
  std::string description_;
};

bool recognises(const fs::path& folder) {
  return std::any_of(kNames.begin(), kNames.end(), [&](const PartNames& names) {
    return !find(folder, names.images).empty() || !find(folder, names.labels).empty();
  });
}

std::unique_ptr<Dataset> open(const fs::path& folder, const DatasetExpectation& expected) {
  return std::make_unique<Mnist>(folder, expected);
}

// The labels of all known sets of this format are ten, or fewer.
DatasetNature nature(const fs::path& folder) {
  const Shape images = open_idx(folder, kNames[0].images, 3).shape();
  return {{1, images[1], images[2]}, 10};
}

}  // namespace

FolderLayout mnist_layout() {
  std::string files;
  for (const PartNames& names : kNames)
    files +=
        fmt::format("{}{}[.gz], {}[.gz]", files.empty() ? "" : ", ", names.images, names.labels);
  return {files, recognises, open, nature};
}

}  // namespace engine
