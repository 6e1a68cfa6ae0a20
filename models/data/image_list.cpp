#include "models/data/image_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "engine/core/error.h"
#include "models/data/input_file.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTestEvery = 10;

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().native();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

/// The names of the folders in `folder`, in order, but for hidden ones.
std::vector<std::string> folders_in(const fs::path& folder) {
  std::vector<std::string> names;
  visit_folder(folder, [&](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().native();
    if (!name.starts_with('.') && is_folder(entry.path())) names.push_back(name);
    return true;
  });
  std::sort(names.begin(), names.end());
  return names;
}

bool has_classes(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  const std::vector<std::string> names = folders_in(folder);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return has_files(folder / name, is_image_name);
  });
}

std::vector<LabelledFile> list_part(const fs::path& folder,
                                    const std::vector<std::string>& classes) {
  std::vector<LabelledFile> images;
  for (const std::string& name : folders_in(folder)) {
    const auto known = std::lower_bound(classes.begin(), classes.end(), name);
    if (known == classes.end() || *known != name)
      throw DataError(fmt::format("{}: is no class of the {} for training",
                                  (folder / name).native(), classes.size()));
    add_files(folder / name, is_image_name, static_cast<std::uint8_t>(known - classes.begin()),
              images);
  }
  return images;
}

/// Moves every tenth image of each class; `images` come class by class.
std::vector<LabelledFile> take_every_tenth(std::vector<LabelledFile>& images) {
  std::vector<LabelledFile> kept, taken;
  std::array<std::size_t, 256> seen{};
  for (LabelledFile& image : images)
    (++seen[image.label] % kTestEvery == 0 ? taken : kept).push_back(std::move(image));
  images = std::move(kept);
  return taken;
}

}  // namespace

bool has_images_by_class(const fs::path& folder) {
  return has_classes(folder / "train") || has_classes(folder);
}

ImageList list_images(const fs::path& folder, int most_classes) {
  const bool by_part = has_classes(folder / "train");
  const fs::path train = by_part ? folder / "train" : folder;
  ImageList list;
  list.classes = folders_in(train);
  if (list.classes.size() > static_cast<std::size_t>(most_classes))
    throw DataError(fmt::format("{}: has folders of {} classes, the model expects at most {}",
                                train.native(), list.classes.size(), most_classes));
  auto& [training, test, validation] = list.parts;
  for (std::size_t i = 0; i < list.classes.size(); ++i)
    add_files(train / list.classes[i], is_image_name, static_cast<std::uint8_t>(i), training);
  if (by_part && is_folder(folder / "validation"))
    validation = list_part(folder / "validation", list.classes);
  if (by_part && is_folder(folder / "test"))
    test = list_part(folder / "test", list.classes);
  else if (!validation.empty())
    std::swap(test, validation);
  list.tenth_for_testing = test.empty();
  if (test.empty()) test = take_every_tenth(training);
  if (training.empty() || test.empty())
    throw DataError(
        fmt::format("{}: has {} images for training and {} for testing, expected some "
                    "of both ({} of a class leave one for testing)",
                    folder.native(), training.size(), test.size(), kTestEvery));
  for (std::vector<LabelledFile>& images : list.parts) mix(images, "images/order");
  return list;
}

}  // namespace engine
