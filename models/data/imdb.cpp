#include "models/data/imdb.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/core/error.h"
#include "models/data/memory.h"
#include "models/data/review_cache.h"
#include "models/data/reviews.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr int kClasses = 2;

/// `folder`, or the one in it that has reviews; empty where neither has.
fs::path locate_reviews(const fs::path& folder) {
  for (const fs::path& place : {folder, folder / "aclImdb"})
    if (has_reviews(place)) return place;
  return {};
}

Reviews cached_reviews(const fs::path& folder) {
  const ReviewList list = list_reviews(folder);
  const ReviewCache cache(folder, list);
  if (std::optional<Reviews> known = cache.load()) return std::move(*known);
  Reviews reviews = read_reviews(list);
  cache.save(reviews);
  return reviews;
}

/// Its start and its last words, of which those beyond the vocabulary are unknown.
void place_review(std::span<const std::int32_t> words, const TextFormat& format,
                  std::vector<std::int32_t>& scratch, std::span<std::int32_t> row) {
  scratch.assign(1, kReviewStart);
  for (std::int32_t word : words.last(std::min(words.size(), row.size())))
    scratch.push_back(word < format.vocabulary ? word : kUnknownWord);
  place_tokens(scratch, format.padding, row);
}

ArrayPart rows_of(const ReviewPart& part, const TextFormat& format) {
  const auto length = static_cast<std::size_t>(format.length());
  std::vector<std::int32_t> rows(part.labels.size() * length), scratch;
  for (std::size_t i = 0, begin = 0; i < part.labels.size(); ++i) {
    const std::span<const std::int32_t> all(part.tokens);
    place_review(all.subspan(begin, part.ends[i] - begin), format, scratch,
                 std::span(rows).subspan(i * length, length));
    begin = part.ends[i];
  }
  return {std::move(rows), part.labels};
}

std::unique_ptr<Dataset> open_reviews(const fs::path& folder, const DatasetExpectation& expected) {
  const fs::path place = locate_reviews(folder);
  const TextFormat& format = *expected.text;
  if (format.segments.size() != 1 || format.vocabulary < kFirstWord)
    throw DataError(
        fmt::format("{}: holds reviews, rows of one text with tokens from 0 to {} and then of "
                    "words; the model expects {}",
                    place.native(), kUnknownWord, format.to_string()));
  const Reviews reviews = cached_reviews(place);
  return make_dataset(expected.observation, expected.classes, rows_of(reviews[0], format),
                      rows_of(reviews[1], format), format.vocabulary,
                      fmt::format("reviews in {}", place.native()), {"neg", "pos"});
}

}  // namespace

FolderLayout imdb_layout() {
  return {.files = "train|test/pos|neg/*.txt",
          .recognises = [](const fs::path& folder) { return !locate_reviews(folder).empty(); },
          .open = open_reviews,
          .nature =
              [](const fs::path&) {
                return DatasetNature{{}, kClasses, TextFormat{}};
              },
          .text = true};
}

}  // namespace engine
