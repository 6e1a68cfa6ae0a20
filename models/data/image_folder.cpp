#include "models/data/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/log.h"
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
  bool crop;  ///< whether it is a window of an image that is an eighth part larger
  std::size_t bytes() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width);
  }

  static Target of(const DatasetExpectation& expected, const std::string& folder) {
    constexpr std::int64_t kMostSide = 1 << 14;
    const Shape& observation = expected.observation;
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
            static_cast<std::int32_t>(observation[first + 1]), expected.random_crop};
  }
};

/// A side of the image that is cut from: 256 for a window of 224.
std::int32_t enlarged(std::int32_t side) {
  return (side * 8 + 3) / 7;
}

/// Where the window begins in an image that is `spare` pixels larger: in the middle, or anywhere.
struct WindowStart {
  std::int32_t y, x;

  static WindowStart of(std::int32_t spare_y, std::int32_t spare_x, std::int64_t index,
                        const RowVariation& variation) {
    if (!variation.key) return {spare_y / 2, spare_x / 2};
    const auto draw = [&](std::int32_t spare, std::uint64_t which) {
      const std::uint32_t word = random_word(*variation.key, variation.epoch,
                                             4 * static_cast<std::uint64_t>(index) + which);
      return static_cast<std::int32_t>(word % (static_cast<std::uint32_t>(spare) + 1));
    };
    return {draw(spare_y, 0), draw(spare_x, 1)};
  }
};

/// Takes a window of `target` apart into planes.
void cut(const Image& image, const WindowStart& start, const Target& target, std::byte* out) {
  for (std::int32_t c = 0; c < target.channels; ++c)
    for (std::int32_t y = 0; y < target.height; ++y) {
      const std::size_t row =
          static_cast<std::size_t>(start.y + y) * static_cast<std::size_t>(image.width) +
          static_cast<std::size_t>(start.x);
      const std::uint8_t* from = &image.pixels[row * static_cast<std::size_t>(target.channels) +
                                               static_cast<std::size_t>(c)];
      for (std::int32_t x = 0; x < target.width; ++x, from += target.channels)
        *out++ = std::byte{*from};
    }
}

/// Reads, stretches and cuts image `index`, whose bytes go to `out`.
void load(const fs::path& path, const Target& target, std::int64_t index,
          const RowVariation& variation, std::byte* out) {
  // Of what is twice as large, stretching still averages.
  constexpr std::int64_t kMargin = 2;
  const std::int32_t height = target.crop ? enlarged(target.height) : target.height;
  const std::int32_t width = target.crop ? enlarged(target.width) : target.width;
  const Image image =
      resize(read_image(path.native(), target.channels, {kMargin * height, kMargin * width}),
             height, width);
  cut(image, WindowStart::of(height - target.height, width - target.width, index, variation),
      target, out);
}

/// Calls body(i) for every i below `count`, on all threads. Returns by i what was wrong where that
/// threw DataError; throws what is no fault of an image.
std::vector<std::string> for_each_image(std::size_t count,
                                        const std::function<void(std::size_t)>& body) {
  std::vector<std::string> broken(count);
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run_one = [&](std::size_t i) {
    try {
      body(i);
    } catch (const DataError& error) {
      broken[i] = error.what();
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  };
  cpu::parallel_for(static_cast<std::int64_t>(count), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) run_one(static_cast<std::size_t>(i));
  });
  if (failure) std::rethrow_exception(failure);
  return broken;
}

using Images = std::vector<LabelledFile>;

class ImageRows final : public RowReader {
 public:
  ImageRows(const Images& images, const Target& target) : images_(images), target_(target) {}
  void read(std::int64_t index, const RowVariation& variation,
            std::span<std::byte> out) const override {
    load(images_[static_cast<std::size_t>(index)].path, target_, index, variation, out.data());
  }

 private:
  const Images& images_;
  Target target_;
};

class ImageFolder final : public Dataset {
 public:
  ImageFolder(const fs::path& folder, const DatasetExpectation& expected)
      : expected_(expected),
        target_(Target::of(expected, folder.native())),
        list_(list_images(folder, std::min(expected.classes, kMostLabels))),
        description_(fmt::format("images of {} classes in {}: {} for training, {} for testing{}",
                                 list_.classes.size(), folder.native(), list_.parts[0].size(),
                                 list_.parts[1].size(),
                                 list_.tenth_for_testing ? " (every tenth of a class)" : "")) {}

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return {expected_.observation, DType::u8}; }
  int classes() const override { return expected_.classes; }
  std::vector<std::string> class_names() const override {
    std::vector<std::string> names;
    for (const auto& name : list_.classes) names.push_back(printable(name));
    return names;
  }
  std::int64_t count(Part part) const override {
    return static_cast<std::int64_t>(whole(part).size());
  }

  void read_observations(Part part, const ByteSink& sink) const override {
    constexpr std::size_t kBytesAtOnce = std::size_t{32} << 20;
    const Images& images = whole(part);
    const std::size_t row = target_.bytes();
    const std::size_t at_once =
        std::min(images.size(), std::max<std::size_t>(1, kBytesAtOnce / row));
    std::vector<std::byte> bytes(at_once * row);
    for (std::size_t first = 0; first < images.size(); first += at_once) {
      const std::size_t count = std::min(at_once, images.size() - first);
      const std::vector<std::string> broken = for_each_image(count, [&](std::size_t i) {
        load(images[first + i].path, target_, 0, {}, &bytes[i * row]);
      });
      for (const std::string& why : broken)
        if (!why.empty()) throw DataError(why);
      stream(std::span(bytes).first(count * row), sink);
    }
  }
  void read_targets(Part part, const ByteSink& sink) const override {
    std::vector<std::byte> labels;
    for (const LabelledFile& image : whole(part)) labels.push_back(std::byte{image.label});
    stream(labels, sink);
  }
  std::unique_ptr<RowReader> rows(Part part) const override {
    return std::make_unique<ImageRows>(whole(part), target_);
  }
  bool holds_rows() const override { return false; }
  bool crops_at_random() const override { return target_.crop; }

 private:
  static void stream(std::span<const std::byte> rest, const ByteSink& sink) {
    while (!rest.empty()) {
      const std::size_t size = std::min<std::size_t>(rest.size(), kSinkBytes);
      sink(rest.first(size));
      rest = rest.subspan(size);
    }
  }

  /// The images of a part that can be decoded, which is tried when they are first asked for: how
  /// many there are and which label is whose is then settled, however they are read.
  const Images& whole(Part part) const {
    const auto index = static_cast<std::size_t>(part);
    const std::lock_guard lock(mutex_);
    std::optional<Images>& slot = whole_[index];
    if (!slot) slot = look_through(list_.parts[index]);
    return *slot;
  }

  Images look_through(const Images& images) const {
    const std::vector<std::string> broken = for_each_image(images.size(), [&](std::size_t i) {
      read_image(images[i].path.native(), target_.channels, {0, 0});
    });
    Images result;
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (broken[i].empty())
        result.push_back(images[i]);
      else
        report_broken(broken[i]);
    }
    if (result.empty() && !images.empty())
      throw DataError(
          fmt::format("{}: all {} images of a part are broken", description_, images.size()));
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
  mutable std::array<std::optional<Images>, 3> whole_;  // in the order of Part
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
