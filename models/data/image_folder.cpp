#include "models/data/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/core/shape.h"
#include "engine/device/cpu/parallel.h"
#include "models/data/image.h"
#include "models/data/image_list.h"
#include "models/data/resize.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

/// What an image becomes.
struct Target {
  std::int32_t channels, height, width;
  std::size_t bytes() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width);
  }

  static Target of(const Shape& observation, const std::string& folder) {
    constexpr std::int64_t kMostSide = 1 << 14;
    const bool planes = observation.rank() == 3;
    const int first = planes ? 1 : 0;
    const std::int64_t channels = planes ? observation[0] : 1;
    if ((!planes && observation.rank() != 2) || (channels != 1 && channels != 3) ||
        observation[first] > kMostSide || observation[first + 1] > kMostSide)
      throw DataError(
          fmt::format("{}: holds images, the model expects {} in place of [3 or 1, "
                      "height, width]",
                      folder, observation.to_string()));
    return {static_cast<std::int32_t>(channels), static_cast<std::int32_t>(observation[first]),
            static_cast<std::int32_t>(observation[first + 1])};
  }
};

/// Reads, stretches, and takes apart into planes.
void load(const fs::path& path, const Target& target, std::uint8_t* out) {
  const Image image =
      resize(read_image(path.native(), target.channels), target.height, target.width);
  const auto channels = static_cast<std::size_t>(target.channels);
  const std::size_t plane = target.bytes() / channels;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < plane; ++i) out[c * plane + i] = image.pixels[i * channels + c];
}

/// Loads images one by one on any thread, and keeps what went wrong.
class Loader {
 public:
  Loader(const std::vector<LabelledImage>& images, const Target& target)
      : images_(images), target_(target), broken_(images.size()) {}

  /// All of them, image i to out + i * target.bytes(). Throws what is no fault of an image.
  void run(std::uint8_t* out) {
    cpu::parallel_for(static_cast<std::int64_t>(images_.size()), 1,
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = begin; i < end; ++i)
                          run_one(static_cast<std::size_t>(i), out);
                      });
    if (failure_) std::rethrow_exception(failure_);
  }

  /// Why image i is broken; empty: it is not.
  const std::string& broken(std::size_t i) const { return broken_[i]; }

 private:
  void run_one(std::size_t i, std::uint8_t* out) {
    try {
      load(images_[i].path, target_, out + i * target_.bytes());
    } catch (const DataError& error) {
      broken_[i] = error.what();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }

  const std::vector<LabelledImage>& images_;
  Target target_;
  std::vector<std::string> broken_;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

class ImageFolder final : public Dataset {
 public:
  ImageFolder(const fs::path& folder, const DatasetExpectation& expected)
      : expected_(expected),
        target_(Target::of(expected.observation, folder.native())),
        list_(list_images(folder, std::min(expected.classes, kMostLabels))),
        description_(fmt::format("images of {} classes in {}: {} for training, {} for testing{}",
                                 list_.classes.size(), folder.native(), list_.parts[0].size(),
                                 list_.parts[1].size(),
                                 list_.tenth_for_testing ? " (every tenth of a class)" : "")) {}

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return {expected_.observation, DType::u8}; }
  int classes() const override { return expected_.classes; }
  std::int64_t count(Part part) const override {
    return static_cast<std::int64_t>(loaded(part).labels.size());
  }
  void read_observations(Part part, const ByteSink& sink) const override {
    stream(loaded(part).observations, sink);
  }
  void read_targets(Part part, const ByteSink& sink) const override {
    stream(loaded(part).labels, sink);
  }

 private:
  using Bytes = std::vector<std::uint8_t>;
  struct Loaded {
    Bytes observations, labels;
  };

  static void stream(const Bytes& bytes, const ByteSink& sink) {
    for (std::span<const std::byte> rest = std::as_bytes(std::span(bytes)); !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(rest.size(), kSinkBytes);
      sink(rest.first(size));
      rest = rest.subspan(size);
    }
  }

  const Loaded& loaded(Part part) const {
    const auto index = static_cast<std::size_t>(part);
    const std::lock_guard lock(mutex_);
    std::optional<Loaded>& slot = loaded_[index];
    if (!slot) slot = load_part(list_.parts[index]);
    return *slot;
  }

  Loaded load_part(const std::vector<LabelledImage>& images) const {
    const std::size_t row = target_.bytes();
    Loaded result;
    result.observations.resize(static_cast<std::size_t>(
        checked_multiply(static_cast<std::int64_t>(images.size()), static_cast<std::int64_t>(row),
                         "bytes of the decoded images")));
    Loader loader(images, target_);
    loader.run(result.observations.data());
    // Those that are whole close the gaps.
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (!loader.broken(i).empty()) {
        report_broken(loader.broken(i));
        continue;
      }
      const auto from = result.observations.begin() + static_cast<std::ptrdiff_t>(i * row);
      const std::size_t to = result.labels.size() * row;
      if (i * row != to)
        std::copy_n(from, row, result.observations.begin() + static_cast<std::ptrdiff_t>(to));
      result.labels.push_back(images[i].label);
    }
    if (result.labels.empty() && !images.empty())
      throw DataError(
          fmt::format("{}: all {} images of a part are broken", description_, images.size()));
    result.observations.resize(result.labels.size() * row);
    return result;
  }

  void report_broken(const std::string& why) const {
    if (expected_.reject_broken_images) throw DataError(why);
    log::warning(why + "; the data set goes without it");
  }

  DatasetExpectation expected_;
  Target target_;
  ImageList list_;
  std::string description_;
  mutable std::mutex mutex_;
  mutable std::array<std::optional<Loaded>, 3> loaded_;  // in the order of Part
};

}  // namespace

FolderLayout image_folder_layout() {
  return {"train/<class>/*.jpg|png or <class>/*.jpg|png", has_images_by_class,
          [](const fs::path& folder, const DatasetExpectation& expected) {
            return std::unique_ptr<Dataset>(std::make_unique<ImageFolder>(folder, expected));
          },
          [](const fs::path& folder) {
            const ImageList list = list_images(folder, kMostLabels);
            return DatasetNature{{}, static_cast<int>(list.classes.size())};
          }};
}

}  // namespace engine
