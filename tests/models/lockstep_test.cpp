// mnist-mlp on every device beside the CPU: 50 steps, each from the CPU's state, every op of every
// step within its bound, every integer (shuffles, masks, counters) bit for bit.
#include "tests/models/lockstep.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "models/zoo/zoo.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

// Device and candidates: the library's products and the hand-written ones each get their turn.
using Side = std::pair<std::string, std::string>;

std::vector<Side> sides() {
  std::vector<Side> all;
  for (const std::string& device : test_devices()) {
    if (device == "cpu")
      all.insert(all.end(), {{device, "onednn.matmul"}, {device, "cpu.blocked"}});
    else
      all.insert(all.end(), {{device, "cublaslt"}, {device, "cuda.tiled"}});
  }
  return all;
}

class LockstepTest : public testing::TestWithParam<Side> {};

TEST_P(LockstepTest, MnistMlpStaysWithinEveryOpsBound) {
  const auto& [device, candidates] = GetParam();
  const LockstepReport report =
      run_lockstep(find_model("mnist-mlp"), "synthetic:1000", device, candidates, 32, 50);
  std::fputs(report.to_string().c_str(), stdout);
  EXPECT_EQ(report.steps, 50);
  EXPECT_EQ(report.first_failure, "");
  EXPECT_EQ(report.ops.at("batch_indices").worst, 0);
  EXPECT_EQ(report.ops.at("batch_indices").runs, 50);
  EXPECT_EQ(report.ops.at("rmsprop").runs, 50 * 12);
  EXPECT_LT(report.worst_whole_step, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Devices, LockstepTest, testing::ValuesIn(sides()), [](const auto& test) {
  std::string name = test.param.first + "_" + test.param.second;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

}  // namespace
}  // namespace engine::test
