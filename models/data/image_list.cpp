#include "models/data/image_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "engine/core/error.h"
#include "engine/core/permutation.h"
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

/// Calls visit(entry) for what is in `folder` until it returns false; throws DataError where the
/// folder cannot be listed.
template <class Visit>
void visit_folder(const fs::path& folder, const Visit& visit) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (!visit(*entry)) return;
  if (error)
    throw DataError(fmt::format("{}: cannot be listed: {}", folder.native(), error.message()));
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;  // what cannot be examined is none
  return fs::is_directory(path, ignored);
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

bool has_images(const fs::path& folder) {
  bool found = false;
  visit_folder(folder, [&](const fs::directory_entry& entry) {
    found = is_image_name(entry.path());
    return !found;
  });
  return found;
}

bool has_classes(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  const std::vector<std::string> names = folders_in(folder);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return has_images(folder / name); });
}

std::vector<fs::path> images_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  visit_folder(folder, [&](const fs::directory_entry& entry) {
    if (is_image_name(entry.path())) paths.push_back(entry.path());
    return true;
  });
  std::sort(paths.begin(), paths.end());
  return paths;
}

void add_class(const fs::path& folder, std::size_t label, std::vector<LabelledImage>& images) {
  for (fs::path& path : images_in(folder))
    images.push_back({std::move(path), static_cast<std::uint8_t>(label)});
}

std::vector<LabelledImage> list_part(const fs::path& folder,
                                     const std::vector<std::string>& classes) {
  std::vector<LabelledImage> images;
  for (const std::string& name : folders_in(folder)) {
    const auto known = std::lower_bound(classes.begin(), classes.end(), name);
    if (known == classes.end() || *known != name)
      throw DataError(fmt::format("{}: is no class of the {} for training",
                                  (folder / name).native(), classes.size()));
    add_class(folder / name, static_cast<std::size_t>(known - classes.begin()), images);
  }
  return images;
}

/// Moves every tenth image of each class; `images` come class by class.
std::vector<LabelledImage> take_every_tenth(std::vector<LabelledImage>& images) {
  std::vector<LabelledImage> kept, taken;
  std::array<std::size_t, 256> seen{};
  for (LabelledImage& image : images)
    (++seen[image.label] % kTestEvery == 0 ? taken : kept).push_back(std::move(image));
  images = std::move(kept);
  return taken;
}

void mix(std::vector<LabelledImage>& images) {
  const RandomKey key = random_key(0, "images/order");
  std::vector<LabelledImage> mixed(images.size());
  for (std::size_t i = 0; i < images.size(); ++i)
    mixed[permute(i, images.size(), key, 0)] = std::move(images[i]);
  images = std::move(mixed);
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
    add_class(train / list.classes[i], i, training);
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
  for (std::vector<LabelledImage>& images : list.parts) mix(images);
  return list;
}

}  // namespace engine
