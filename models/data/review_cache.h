// Reviews as they were read once, kept across processes: 50,000 files are slow to open. One file
// for each folder of reviews, whose content it belongs to by names, sizes, inodes and times of
// change, and which is replaced when these differ.
//
//   "engine reviews" and version   16 bytes, text ended by a newline
//   fingerprint                    u64
//   for training, then test:       u64 reviews, u64 tokens
//   for training, then test:       labels u8[reviews], ends u64[reviews], tokens i32[tokens]
//   CRC-32C of all before          u32
//
// Numbers are as the machine has them: the file is not meant to travel.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "models/data/reviews.h"

namespace engine {

class ReviewCache {
 public:
  /// Of the files of `list`, found in `folder`; examines them. Throws DataError for one that
  /// cannot be.
  ReviewCache(const std::filesystem::path& folder, const ReviewList& list);

  /// What was saved for the files as they are; nothing where there is none, with a warning where
  /// what is there is damaged.
  std::optional<Reviews> load() const;
  /// Warns where it cannot save. Does not save what changed only just now, as a further change in
  /// the same tick of the file system's clock could not be told.
  void save(const Reviews& reviews) const;

  /// Empty where there is no folder for caches.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::uint64_t fingerprint_;
  bool settled_;
};

/// The file's content, and back; parsing throws DataError, naming `where`, for what is damaged, and
/// gives nothing for another version or fingerprint.
std::string serialize_reviews(const Reviews& reviews, std::uint64_t fingerprint);
std::optional<Reviews> parse_reviews(std::string_view bytes, std::uint64_t fingerprint,
                                     const std::string& where);

}  // namespace engine
