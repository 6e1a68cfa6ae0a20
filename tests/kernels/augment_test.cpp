// What augment draws: every shift of its range about equally often, mirrored about half the time,
// another for each row and step, and none where it is not asked for.
#include "kernels/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace engine {
namespace {

constexpr RandomKey kKey{1, 2};

TEST(Augment, DrawsEveryShiftAboutEquallyOften) {
  const Augmentation a({0.1, true, kKey}, {8, 3, 32, 64});
  std::map<std::int32_t, int> down, right;
  int mirrored = 0;
  constexpr int kDraws = 13000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const AugmentDraw draw = draw_augmentation(a, i / 100, i % 100);
    ++down[draw.down];
    ++right[draw.right];
    mirrored += draw.mirrored;
  }
  ASSERT_EQ(down.size(), 7u);  // a tenth of 32: -3 to 3
  EXPECT_EQ(down.begin()->first, -3);
  ASSERT_EQ(right.size(), 13u);
  EXPECT_EQ(right.begin()->first, -6);
  // Six standard deviations of a count, at the least.
  for (const auto& [shift, count] : down) EXPECT_NEAR(count, kDraws / 7, 240) << shift;
  for (const auto& [shift, count] : right) EXPECT_NEAR(count, kDraws / 13, 185) << shift;
  EXPECT_NEAR(mirrored, kDraws / 2, 345);
}

TEST(Augment, DrawsNothingThatIsNotAskedFor) {
  const Augmentation still({0, false, kKey}, {8, 3, 32, 32});
  const Augmentation moved({0.5, false, kKey}, {8, 3, 32, 32});
  int moves = 0;
  for (std::uint64_t row = 0; row < 100; ++row) {
    const AugmentDraw none = draw_augmentation(still, 3, row);
    EXPECT_TRUE(none.down == 0 && none.right == 0 && !none.mirrored);
    const AugmentDraw draw = draw_augmentation(moved, 3, row);
    EXPECT_FALSE(draw.mirrored);
    moves += draw.down != 0 || draw.right != 0;
  }
  EXPECT_GT(moves, 90);
}

TEST(Augment, MovesByWholePixelsOfTheShareAskedFor) {
  const AugmentAttributes attributes{0.29, false, kKey};
  EXPECT_EQ(attributes.most(100), 29);  // although 0.29 * 100 < 29 in double
  EXPECT_EQ(attributes.most(10), 2);
  EXPECT_EQ(attributes.most(3), 0);
}

}  // namespace
}  // namespace engine
