// Small data sets of text for tests, and what is in those that were opened.
#pragma once

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "models/data/dataset.h"
#include "tests/models/scratch.h"

namespace engine {

/// Writes files below `folder`, whose folders are made.
inline void write_files(const ScratchFolder& folder,
                        const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) {
    const std::filesystem::path path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    write_text(path.native(), text);
  }
}

/// Observations of a part, row by row.
inline std::vector<std::vector<std::int32_t>> token_rows(const Dataset& data, Part part) {
  std::vector<std::byte> bytes;
  data.read_observations(part, [&](std::span<const std::byte> chunk) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  });
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(data.count(part)));
  const std::size_t size = data.observation_type().bytes();
  EXPECT_EQ(data.observation_type().dtype, DType::i32);
  EXPECT_EQ(bytes.size(), size * rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].resize(size / sizeof(std::int32_t));
    std::memcpy(rows[i].data(), &bytes[i * size], size);
  }
  return rows;
}

}  // namespace engine
