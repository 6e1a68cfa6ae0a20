#include "models/data/labelled_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/core/error.h"
#include "engine/core/permutation.h"

namespace engine {

namespace fs = std::filesystem;

void visit_folder(const fs::path& folder,
                  const std::function<bool(const fs::directory_entry&)>& visit) {
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

bool has_files(const fs::path& folder, AcceptsName accepts) {
  bool found = false;
  visit_folder(folder, [&](const fs::directory_entry& entry) {
    found = accepts(entry.path().filename());
    return !found;
  });
  return found;
}

void add_files(const fs::path& folder, AcceptsName accepts, std::uint8_t label,
               std::vector<LabelledFile>& files) {
  const auto before = static_cast<std::ptrdiff_t>(files.size());
  visit_folder(folder, [&](const fs::directory_entry& entry) {
    if (accepts(entry.path().filename())) files.push_back({entry.path(), label});
    return true;
  });
  std::sort(files.begin() + before, files.end(), [](const LabelledFile& a, const LabelledFile& b) {
    return a.path.native() < b.path.native();
  });
}

void mix(std::vector<LabelledFile>& files, std::string_view permutation) {
  const RandomKey key = random_key(0, permutation);
  std::vector<LabelledFile> mixed(files.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    mixed[permute(i, files.size(), key, 0)] = std::move(files[i]);
  files = std::move(mixed);
}

}  // namespace engine
