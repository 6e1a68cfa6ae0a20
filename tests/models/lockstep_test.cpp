// Models on every device beside the CPU, each step from the CPU's state, every op of every step
// within its bound, every integer (shuffles, masks, counters) bit for bit: 50 steps of mnist-mlp,
// and one at a batch of 2 of those that read sequences.
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

std::string side_name(const testing::TestParamInfo<Side>& test) {
  std::string name = test.param.first + "_" + test.param.second;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Devices, LockstepTest, testing::ValuesIn(sides()), side_name);

// Beside the CPU itself there would be nothing to see.
std::vector<Side> sequence_sides() {
  std::vector<Side> all;
  for (const std::string& device : test_devices())
    if (device != "cpu")
      all.insert(all.end(), {{device, "persistent"}, {device, "steps"}, {device, "cudnn.rnn"}});
  return all;
}

class SequenceLockstep : public testing::TestWithParam<Side> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SequenceLockstep);

TEST_P(SequenceLockstep, EveryOpStaysWithinItsBound) {
  const auto& [device, candidates] = GetParam();
  struct Case {
    const char *model, *op;
    int layers;
  };
  for (const Case& each : {Case{"mnist-hrnn", "lstm", 2}, Case{"babi-rnn", "lstm", 2},
                           Case{"imdb-gru", "gru_reset_after", 1}, Case{"imdb-lstm", "lstm", 1}}) {
    // Whose recurrent drop-out cuDNN does not have.
    if (candidates == "cudnn.rnn" && each.model == std::string("imdb-lstm")) continue;
    SCOPED_TRACE(each.model);
    const LockstepReport report =
        run_lockstep(find_model(each.model), "synthetic:100", device, candidates, 2, 1);
    EXPECT_EQ(report.first_failure, "");
    EXPECT_GT(report.ops.at(each.op).runs, each.layers);  // of several outputs each
    const LockstepReport::Op& gradient = report.ops.at(each.op + std::string("_gradient"));
    EXPECT_GT(gradient.runs, each.layers);
    EXPECT_NE(gradient.candidate.find(candidates), std::string::npos) << gradient.candidate;
    EXPECT_LT(report.worst_whole_step, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, SequenceLockstep, testing::ValuesIn(sequence_sides()), side_name);

}  // namespace
}  // namespace engine::test
