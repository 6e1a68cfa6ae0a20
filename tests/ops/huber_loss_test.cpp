// What huber_loss refuses; its numbers are held by its cases.
#include "ops/huber_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/core/error.h"

namespace engine::test {
namespace {

TEST(HuberLoss, RefusesADeltaThatIsNoDistance) {
  for (double delta : {0.0, -1.0, 1e-46, 1e39, HUGE_VAL, std::nan("")}) {
    EXPECT_THROW(ops::huber_loss(delta), UsageError) << delta;
    EXPECT_THROW(ops::huber_loss_gradient(delta), UsageError) << delta;
  }
  try {
    ops::huber_loss(-1);
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "the delta of huber_loss is -1, expected a positive finite f32");
  }
}

}  // namespace
}  // namespace engine::test
