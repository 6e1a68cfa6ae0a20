// Folders of files by class: what is in them, in the same order on every machine.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/core/error.h"

namespace engine {

struct LabelledFile {
  std::filesystem::path path;
  std::uint8_t label;
};

/// Calls visit(entry) for what is in `folder` until it returns false; throws DataError where the
/// folder cannot be listed.
template <class Visit>
void visit_folder(const std::filesystem::path& folder, const Visit& visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (!visit(*entry)) return;
  if (error)
    throw DataError(fmt::format("{}: cannot be listed: {}", folder.native(), error.message()));
}

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
