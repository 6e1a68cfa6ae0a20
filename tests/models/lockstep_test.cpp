// mnist-mlp on every device beside the CPU: 50 steps, each from the CPU's state, every op of every step
// within its bound, every integer (shuffles, masks, counters) bit for bit.
#include "tests/models/lockstep.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "models/zoo/zoo.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

class LockstepTest : public testing::TestWithParam<std::string> {};

TEST_P(LockstepTest, MnistMlpStaysWithinEveryOpsBound) {
  const LockstepReport report =
      run_lockstep(find_model("mnist-mlp"), "synthetic:1000", GetParam(), 32, 50);
  std::fputs(report.to_string().c_str(), stdout);
  EXPECT_EQ(report.steps, 50);
  EXPECT_EQ(report.first_failure, "");
  EXPECT_EQ(report.ops.at("batch_indices").worst, 0);
  EXPECT_EQ(report.ops.at("batch_indices").runs, 50);
  EXPECT_EQ(report.ops.at("rmsprop").runs, 50 * 12);
  EXPECT_LT(report.worst_whole_step, 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Devices, LockstepTest, testing::ValuesIn(test_devices()),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name)
                             if (c == ':') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace engine::test
