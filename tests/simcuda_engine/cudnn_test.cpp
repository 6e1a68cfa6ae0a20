// cuDNN's candidates of convolutions on the simulated device: what they offer and refuse, what
// numerics they allow, capture, and what happens when any one of their calls fails.
#include <gtest/gtest.h>

#include "engine/core/error.h"
#include "kernels/convolution.h"
#include "ops/convolution.h"
#include "tests/simcuda_engine/cudnn_fixture.h"

namespace engine::test {
namespace {

const char* const kIds[] = {"cudnn.legacy", "cudnn.graph"};

WindowAttributes padded_window(std::int64_t before, std::int64_t after) {
  WindowAttributes window;
  window.padding_before = {0, before, before};
  window.padding_after = {0, after, after};
  return window;
}

// `batch` images of 4 channels into 6, 5 × 5.
Problem forward_problem(std::int64_t batch, const WindowAttributes& window,
                        DType dtype = DType::f32) {
  return graph::make_problem(*ops::convolution({window, 1, {Activation::none, {}, dtype}}),
                             {{{{batch, 4, 5, 5}, dtype}, {{6, 4, 3, 3}}, {{6}}}});
}

Problem weight_problem(DType dtype = DType::f32) {
  return graph::make_problem(*ops::convolution_weight_gradient(padded_window(1, 1), 1, {1, 3, 3}),
                             {{{{2, 4, 5, 5}, dtype}, {{2, 6, 5, 5}, dtype}}});
}

TEST_F(CudnnCandidates, RefuseAsymmetricPadding) {
  for (const char* id : kIds) {
    const Support support = query(id, forward_problem(2, padded_window(1, 0)));
    EXPECT_TRUE(support.configurations.empty());
    EXPECT_EQ(support.refusal, "padding differs before and after, which cuDNN does not have");
  }
}

TEST_F(CudnnCandidates, RefuseToRoundAWeightGradient) {
  for (const char* id : kIds)
    EXPECT_FALSE(query(id, weight_problem(DType::bf16)).refusal.empty()) << id;
}

TEST_F(CudnnCandidates, AskNothingOfTheLibraryForAnEmptyBatch) {
  for (const char* id : kIds) {
    const Problem problem = forward_problem(0, padded_window(1, 1));
    const Support support = query(id, problem);
    ASSERT_EQ(support.configurations.size(), 1u);
    candidate(problem.op, id).prepare(problem, support.configurations[0], *device_);
  }
  SimcudaLive live{};
  SIMULATOR(simcuda_live)(&live);
  EXPECT_EQ(live.cudnn_handles, 0u);
}

// A device has one handle, and not before it is needed.
TEST_F(CudnnCandidates, ShareAHandle) {
  for (const char* id : kIds) EXPECT_FALSE(names(id, weight_problem()).empty());
  SimcudaLive live{};
  SIMULATOR(simcuda_live)(&live);
  EXPECT_EQ(live.cudnn_handles, 1u);
  EXPECT_EQ(live.cudnn_descriptors, 0u);
}

TEST_F(CudnnCandidates, StrictMathHasNoTensorCores) {
  Problem problem = forward_problem(2, padded_window(1, 1));
  const auto strict_legacy = names("cudnn.legacy", problem);
  const auto strict_graph = names("cudnn.graph", problem);
  EXPECT_EQ(strict_graph, (std::set<std::string>{"engine_0", "engine_1 stages=3 tile_size=0",
                                                 "engine_1 stages=3 tile_size=5", "engine_3"}));
  for (const std::string& name : strict_legacy) EXPECT_NE(name.find(".fma"), std::string::npos);
  problem.math = Math::tf32;
  const auto loose_legacy = names("cudnn.legacy", problem);
  auto expected = strict_graph;
  expected.insert("engine_2");
  EXPECT_EQ(names("cudnn.graph", problem), expected);
  EXPECT_EQ(loose_legacy.size(), 2 * strict_legacy.size());
  EXPECT_TRUE(loose_legacy.count("implicit_gemm.tf32"));
}

TEST_F(CudnnCandidates, TellWhatIsNotDeterministic) {
  const auto unstable = [&](const char* id) {
    std::set<std::string> names;
    for (const Configuration& configuration : query(id, weight_problem()).configurations)
      if (!configuration.deterministic) names.insert(configuration.name);
    return names;
  };
  EXPECT_EQ(unstable("cudnn.legacy"), (std::set<std::string>{"algo_0.fma", "algo_3.fma"}));
  EXPECT_EQ(unstable("cudnn.graph"), (std::set<std::string>{"engine_3"}));
}

TEST_F(CudnnCandidates, AnUnknownConfigurationIsAUsageError) {
  const Problem problem = weight_problem();
  for (const char* id : kIds)
    EXPECT_THROW(candidate(problem.op, id).prepare(problem, {"none", 0, true}, *device_),
                 UsageError);
}

TEST_F(CudnnCandidates, AreCaptured) {
  const Problem problem = weight_problem();
  for (const char* id : kIds)
    for (const Configuration& configuration : query(id, problem).configurations) {
      const auto kernel = candidate(problem.op, id).prepare(problem, configuration, *device_);
      Operands operands(*device_, problem, configuration.workspace);
      const auto replay =
          device_->capture(*operands.stream, [&] { kernel->launch(operands.arguments()); });
      ASSERT_NE(replay, nullptr);
      replay->launch(*operands.stream);
      EXPECT_EQ(operands.result()[4], 2 * 25) << id << ' ' << configuration.name;
    }
}

// 3 channels become 4, and 6 become 8.
TEST_F(CudnnCandidates, PadChannelsForTensorCores) {
  Problem forward = graph::make_problem(
      *ops::convolution({padded_window(1, 1), 1, {}}),
      {{{{2, 3, 5, 5}, DType::f32, Layout::channels_last}, {{6, 3, 3, 3}}, {{6}}}});
  EXPECT_EQ(query("cudnn.graph.padded", forward).refusal,
            "strict products of f32 take any number of channels");
  forward.math = Math::tf32;
  for (const char* id : {"cudnn.legacy.padded", "cudnn.graph.padded"})
    for (const Configuration& configuration : query(id, forward).configurations) {
      const auto kernel = candidate(forward.op, id).prepare(forward, configuration, *device_);
      Operands operands(*device_, forward, configuration.workspace);
      kernel->launch(operands.arguments());
      const std::vector<float> y = operands.result();
      EXPECT_EQ(y.size(), 2u * 25 * 6);
      for (std::size_t k = 0; k < 6; ++k) {
        EXPECT_EQ(y[k], 3 * 4 + 1) << id << ' ' << configuration.name;  // a corner
        EXPECT_EQ(y[(25 + 12) * 6 + k], 3 * 9 + 1) << id << ' ' << configuration.name;
      }
    }
}

TEST_F(CudnnCandidates, SurviveTheFailureOfAnyCall) {
  for (const char* id : kIds) expect_survival(id, weight_problem());
}

}  // namespace
}  // namespace engine::test
