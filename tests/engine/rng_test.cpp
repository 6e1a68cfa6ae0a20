// Counter-based random numbers and the permutation built on them.
#include "engine/core/rng.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "engine/core/permutation.h"

namespace engine {
namespace {

std::vector<std::uint32_t> words(const Random4& random) {
  return {random.word, random.word + 4};
}

// Known answers of Philox-4x32-10, from the distribution of the authors' Random123 (kat_vectors).
TEST(Philox, KnownAnswers) {
  using Words = std::vector<std::uint32_t>;
  EXPECT_EQ(words(philox({0, 0}, 0, 0)), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint64_t ones = ~std::uint64_t{0};
  EXPECT_EQ(words(philox({0xffffffff, 0xffffffff}, ones, ones)),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words(philox({0xa4093822, 0x299f31d0}, 0x85a308d3243f6a88, 0x0370734413198a2e)),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomKey, DependsOnSeedAndName) {
  std::set<std::uint64_t> keys;
  for (std::uint64_t seed : {0, 1, 2})
    for (const char* name : {"dropout_1", "dropout_2", "shuffle", ""}) {
      const RandomKey key = random_key(seed, name);
      const RandomKey again = random_key(seed, name);
      EXPECT_EQ(key.low, again.low);
      EXPECT_EQ(key.high, again.high);
      keys.insert(std::uint64_t{key.high} << 32 | key.low);
    }
  EXPECT_EQ(keys.size(), 12u);
}

TEST(RandomWord, ElementIsAWordOfItsBlock) {
  const RandomKey key = random_key(1, "x");
  const Random4 block = philox(key, 2, 9);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(random_word(key, 9, 8 + i), block.word[i]);
}

TEST(Uniform, StaysBelowOne) {
  EXPECT_EQ(uniform_from_word(0), 0.0f);
  EXPECT_LT(uniform_from_word(~0u), 1.0f);
}

TEST(Dropout, DropsItsRate) {
  const RandomKey key = random_key(3, "dropout");
  constexpr int kCount = 100'000;
  int dropped = 0;
  for (int i = 0; i < kCount; ++i)
    dropped += random_word(key, 0, static_cast<std::uint64_t>(i)) < dropout_threshold(0.2);
  EXPECT_NEAR(dropped, 0.2 * kCount, 5 * 127);  // five standard deviations
  EXPECT_EQ(dropout_threshold(0), 0u);
}

TEST(Permutation, IsOneForEverySize) {
  const RandomKey key = random_key(7, "shuffle");
  for (std::uint64_t count : {1, 2, 3, 4, 5, 17, 64, 1000, 60'000}) {
    std::vector<bool> seen(count, false);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t image = permute(i, count, key, 3);
      ASSERT_LT(image, count);
      ASSERT_FALSE(seen[image]) << image << " twice of " << count;
      seen[image] = true;
    }
  }
}

TEST(Permutation, ChangesWithEpochAndKey) {
  const RandomKey key = random_key(7, "shuffle"), other = random_key(8, "shuffle");
  int same_epoch = 0, same_key = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same_epoch += permute(i, 1000, key, 0) == permute(i, 1000, key, 1);
    same_key += permute(i, 1000, key, 0) == permute(i, 1000, other, 0);
  }
  EXPECT_LT(same_epoch, 10);
  EXPECT_LT(same_key, 10);
}

}  // namespace
}  // namespace engine
