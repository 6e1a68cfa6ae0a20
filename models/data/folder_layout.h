// One way in which a folder holds a data set. Each format is a file of its own that describes
// itself by one of these; open_dataset() goes through their table.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "models/data/dataset.h"

namespace engine {

struct FolderLayout {
  /// What is looked for, for a message: "train-images-idx3-ubyte[.gz], …".
  std::string files;
  /// Whether a folder has at least one file of the layout.
  bool (*recognises)(const std::filesystem::path& folder);
  /// Throws DataError for what is missing, malformed, or does not fit the expectation.
  std::unique_ptr<Dataset> (*open)(const std::filesystem::path& folder,
                                   const DatasetExpectation& expected);
  /// See nature_of_dataset().
  DatasetNature (*nature)(const std::filesystem::path& folder);
  /// Whether observations are tokens.
  bool text = false;
  /// Where a folder holds several tasks: the path of the one called so, which open() and nature()
  /// then take in place of the folder's. Throws UsageError naming those there are.
  std::filesystem::path (*find_task)(const std::filesystem::path& folder,
                                     const std::string& task) = nullptr;
};

}  // namespace engine
