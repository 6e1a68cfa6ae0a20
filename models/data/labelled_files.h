// Folders of files by class: what is in them, in the same order on every machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace engine {

struct LabelledFile {
  std::filesystem::path path;
  std::uint8_t label;
};

/// Calls visit(entry) for what is in `folder` until it returns false; throws DataError where the
/// folder cannot be listed.
void visit_folder(const std::filesystem::path& folder,
                  const std::function<bool(const std::filesystem::directory_entry&)>& visit);

bool is_folder(const std::filesystem::path& path);

using AcceptsName = bool (*)(const std::filesystem::path& name);

/// Whether `folder` has a file whose name is accepted.
bool has_files(const std::filesystem::path& folder, AcceptsName accepts);

/// Adds the files of `folder` whose names are accepted, in the order of their names.
void add_files(const std::filesystem::path& folder, AcceptsName accepts, std::uint8_t label,
               std::vector<LabelledFile>& files);

/// Mixes files that come class by class, by a fixed permutation of that name, so that a validation
/// part cut off the end has all classes.
void mix(std::vector<LabelledFile>& files, std::string_view permutation);

}  // namespace engine
