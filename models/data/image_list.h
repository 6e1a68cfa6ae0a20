// Which images a folder holds, and of which class: names alone, no file is opened. Classes are the
// folders for training, numbered in the order of their names; the order of images is the same on
// every machine.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/data/labelled_files.h"

namespace engine {

struct ImageList {
  std::vector<std::string> classes;
  std::array<std::vector<LabelledFile>, 3> parts;  ///< in the order of Part
  bool tenth_for_testing = false;                  ///< for want of a folder with test images
};

/// Whether `folder` has images by class, or has a folder for training that does.
bool has_images_by_class(const std::filesystem::path& folder);

/// A folder without "test" is tested on "validation"; one without both, on every tenth image of
/// each class. Images come in an order mixed by a fixed permutation, so that a validation part cut
/// off the end has all classes. Throws DataError for a folder that cannot be listed, more classes
/// than `most_classes`, a class that only a folder for testing has, and a part without images.
ImageList list_images(const std::filesystem::path& folder, int most_classes);

}  // namespace engine
