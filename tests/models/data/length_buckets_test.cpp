// Buckets of lengths: the choice of lengths, and the order of observations.
#include "models/data/length_buckets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "engine/core/error.h"
#include "models/data/memory.h"

namespace engine {
namespace {

using Lengths = std::vector<std::int64_t>;

std::int64_t tokens_with(const Lengths& counts, const Lengths& ends) {
  std::int64_t tokens = 0;
  for (std::size_t n = 0; n < counts.size(); ++n)
    if (counts[n] > 0)
      tokens += counts[n] * *std::lower_bound(ends.begin(), ends.end(),
                                              std::max<std::int64_t>(1, static_cast<int>(n)));
  return tokens;
}

// Over all choices of at most `most` ends.
std::int64_t fewest_tokens(const Lengths& counts, std::int64_t most) {
  std::int64_t last = static_cast<std::int64_t>(counts.size()) - 1;
  while (counts[static_cast<std::size_t>(last)] == 0) --last;
  last = std::max<std::int64_t>(1, last);
  std::int64_t fewest = tokens_with(counts, {last});
  for (std::int64_t chosen = 0; chosen < std::int64_t{1} << last; ++chosen) {
    Lengths ends;
    for (std::int64_t n = 1; n < last; ++n)
      if (chosen >> n & 1) ends.push_back(n);
    ends.push_back(last);
    if (static_cast<std::int64_t>(ends.size()) <= most)
      fewest = std::min(fewest, tokens_with(counts, ends));
  }
  return fewest;
}

TEST(BucketLengths, LeaveAsLittlePaddingAsCanBe) {
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    Lengths counts(2 + random() % 9);
    for (std::int64_t& count : counts)
      count = static_cast<std::int64_t>(random() % 4 * (random() % 9));
    counts.back() = 1;
    for (std::int64_t most : {1, 2, 3, 5, 16}) {
      const Lengths ends = bucket_lengths(counts, most);
      ASSERT_TRUE(std::is_sorted(ends.begin(), ends.end(), std::less_equal<>()));
      EXPECT_LE(static_cast<std::int64_t>(ends.size()), most);
      EXPECT_EQ(ends.back(), static_cast<std::int64_t>(counts.size()) - 1);
      EXPECT_EQ(tokens_with(counts, ends), fewest_tokens(counts, most));
    }
  }
}

TEST(BucketLengths, TakeFewTextsAndEmptyOnes) {
  EXPECT_EQ(bucket_lengths(Lengths{3}, 4), Lengths{1});
  EXPECT_EQ(bucket_lengths(Lengths{0, 0, 5}, 4), Lengths{2});
  EXPECT_EQ(bucket_lengths(Lengths{2, 2, 0, 0, 1}, 1), Lengths{4});
}

constexpr std::int64_t kRoom = 7, kTexts = 103;

// Text i has i·5 mod 8 tokens, all of them i + 1.
ArrayPart texts(std::int64_t count, Padding padding) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(count * kRoom));
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::vector<std::int32_t> text(static_cast<std::size_t>(i * 5 % 8),
                                         static_cast<std::int32_t>(i + 1));
    place_tokens(text, padding,
                 std::span(tokens).subspan(static_cast<std::size_t>(i * kRoom), kRoom));
    labels[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i % 2);
  }
  return {tokens, labels};
}

TEST(BucketByLength, KeepsEveryTextWholeWithItsTarget) {
  for (Padding padding : {Padding::left, Padding::right}) {
    const TextFormat text{kTexts + 1, {kRoom}, padding};
    const auto data = bucket_by_length(
        make_dataset(Shape{kRoom}, 2, texts(kTexts, padding), texts(9, padding), text.vocabulary),
        text, 3, 10);
    const std::vector<LengthBucket> buckets = data->buckets(Part::train);
    ASSERT_EQ(buckets.size(), 3u);
    EXPECT_EQ(buckets[0].rows % 10, 0);
    EXPECT_EQ(buckets[1].rows % 10, 0);
    EXPECT_EQ(buckets[0].rows + buckets[1].rows + buckets[2].rows, kTexts);
    EXPECT_EQ(buckets[2].length, kRoom);

    std::vector<std::int32_t> tokens;
    data->read_observations(Part::train, [&](std::span<const std::byte> bytes) {
      const std::size_t before = tokens.size();
      tokens.resize(before + bytes.size() / sizeof(std::int32_t));
      std::copy(bytes.begin(), bytes.end(),
                std::as_writable_bytes(std::span(tokens).subspan(before)).begin());
    });
    const std::vector<std::uint8_t> labels = data->read_labels(Part::train);
    const auto rows = data->rows(Part::train);
    std::vector<std::int64_t> seen;
    std::int64_t row = 0;
    for (const LengthBucket& bucket : buckets)
      for (std::int64_t end = row + bucket.rows; row < end; ++row) {
        const std::int64_t i = data->places(Part::train)[static_cast<std::size_t>(row)];
        seen.push_back(i);
        const auto length = i * 5 % 8;
        EXPECT_LE(length, bucket.length);
        EXPECT_EQ(labels[static_cast<std::size_t>(row)], i % 2);
        const auto begin = tokens.begin() + row * kRoom;
        EXPECT_EQ(std::count(begin, begin + kRoom, i + 1), length);
        std::vector<std::int32_t> alone(kRoom);
        rows->read(row, {}, std::as_writable_bytes(std::span(alone)));
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(), begin));
      }
    std::sort(seen.begin(), seen.end());
    for (std::int64_t i = 0; i < kTexts; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
  }
}

TEST(BucketByLength, TakesPartsSmallerThanABatch) {
  const TextFormat text{kTexts + 1, {kRoom}};
  const auto data = bucket_by_length(make_dataset(Shape{kRoom}, 2, texts(kTexts, text.padding),
                                                  texts(9, text.padding), text.vocabulary),
                                     text, 4, 64);
  const std::vector<LengthBucket> buckets = data->buckets(Part::test);
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(buckets[0].rows, 9);
  EXPECT_EQ(buckets[0].length, kRoom);
  EXPECT_TRUE(data->buckets(Part::validation).empty());
}

TEST(BucketByLength, WantsOneText) {
  const TextFormat two{kTexts + 1, {3, 4}};
  const auto make = [] {
    return make_dataset(Shape{kRoom}, 2, texts(8, Padding::left), texts(8, Padding::left),
                        kTexts + 1);
  };
  EXPECT_THROW(bucket_by_length(make(), two, 4, 8), UsageError);
  EXPECT_THROW(bucket_by_length(make(), std::nullopt, 4, 8), UsageError);
}

}  // namespace
}  // namespace engine
