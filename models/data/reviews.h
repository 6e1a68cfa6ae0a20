// Film reviews as aclImdb has them, one a file: train|test / neg|pos / *.txt. Their words become
// tokens by their rank in the training reviews, without a limit to the vocabulary: a model's own
// limit is applied later, so that the same tokens serve every model.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/data/labelled_files.h"

namespace engine {

// Tokens of reviews; 0 pads.
inline constexpr std::int32_t kReviewStart = 1;
inline constexpr std::int32_t kUnknownWord = 2;
inline constexpr std::int32_t kFirstWord = 3;  ///< the most frequent one

/// Words beyond so many are unknown, as is any of more than kLongestWord bytes.
inline constexpr std::size_t kMostWords = std::size_t{1} << 24;
inline constexpr std::size_t kLongestWord = 64;
/// Bytes of a review.
inline constexpr std::uint64_t kLongestReview = std::uint64_t{1} << 24;

/// Which reviews a folder holds: names alone, no file is opened. Label 0 is negative, 1 positive.
struct ReviewList {
  std::array<std::vector<LabelledFile>, 2> parts;  ///< training and test, each mixed
};

/// Whether `folder` has a text file in one of its four folders.
bool has_reviews(const std::filesystem::path& folder);
/// Throws DataError naming the folder of a class that is missing, cannot be listed or is empty.
ReviewList list_reviews(const std::filesystem::path& folder);

/// Reviews one after the other, without marks of their starts.
struct ReviewPart {
  std::vector<std::uint8_t> labels;
  std::vector<std::uint64_t> ends;  ///< by review: where in `tokens` it ends, and the next begins
  std::vector<std::int32_t> tokens;

  bool operator==(const ReviewPart&) const = default;
};
using Reviews = std::array<ReviewPart, 2>;

/// Reads them on all threads. Words of the same frequency are ranked by their bytes. Throws
/// DataError naming the first file that is longer than kLongestReview or cannot be read.
Reviews read_reviews(const ReviewList& list);

}  // namespace engine
