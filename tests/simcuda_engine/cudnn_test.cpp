// The cuDNN candidates on the simulated device: what they offer and refuse, what numerics they
// allow, capture, and what happens when any one of their calls fails.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "kernels/convolution.h"
#include "ops/convolution.h"
#include "tests/simcuda_engine/simulator.h"

namespace engine::test {
namespace {

constexpr int kOutOfMemory = 2;   // cudaErrorMemoryAllocation
constexpr int kInvalidValue = 1;  // cudaErrorInvalidValue
constexpr std::uint64_t kFaults = 80;
const char* const kIds[] = {"cudnn.legacy", "cudnn.graph"};

class CudnnCandidates : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::off);
    SIMULATOR(simcuda_reset)();
    device_ = open_device("cuda");
  }
  void TearDown() override {
    device_.reset();
    SIMULATOR(simcuda_reset)();
    std::string report;
    EXPECT_TRUE(nothing_lives(report)) << report;
  }
  const KernelCandidate& candidate(const std::string& op, const std::string& id) {
    for (const KernelCandidate* found : CandidateRegistry::global().find(op, "cuda"))
      if (found->id() == id) return *found;
    throw InternalError("no candidate " + id);
  }
  Support query(const std::string& id, const Problem& problem) {
    return candidate(problem.op, id).query(problem, *device_);
  }
  std::set<std::string> names(const std::string& id, const Problem& problem) {
    std::set<std::string> names;
    for (const Configuration& configuration : query(id, problem).configurations)
      EXPECT_TRUE(names.insert(configuration.name).second) << configuration.name;
    return names;
  }

  std::unique_ptr<Device> device_;
};

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

// Operands of a problem filled with ones, and all that a launch needs.
struct Operands {
  std::unique_ptr<Stream> stream;
  std::vector<Buffer> buffers;
  std::vector<TensorView> inputs, outputs;
  Buffer workspace;

  Operands(Device& device, const Problem& problem, std::size_t workspace_bytes)
      : stream(device.make_stream()), workspace(device, workspace_bytes) {
    for (const TensorType& type : problem.inputs) {
      inputs.push_back(add(device, type));
      const std::vector<float> ones(static_cast<std::size_t>(type.element_count()), 1.0f);
      stream->copy_to_device(inputs.back().data, ones.data(), type.bytes());
    }
    for (const TensorType& type : problem.outputs) outputs.push_back(add(device, type));
  }
  TensorView add(Device& device, const TensorType& type) {
    buffers.emplace_back(device, type.bytes());
    return {type, buffers.back().data()};
  }
  LaunchArguments arguments() { return {inputs, outputs, workspace.data(), *stream}; }
  std::vector<float> result() {
    std::vector<float> values(static_cast<std::size_t>(outputs[0].type.element_count()));
    stream->copy_to_host(values.data(), outputs[0].data, outputs[0].type.bytes());
    stream->synchronize();
    return values;
  }
};

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

// Every call of a query, a preparation and a launch fails in turn; the error has a type, and
// nothing is left behind.
TEST_F(CudnnCandidates, SurviveTheFailureOfAnyCall) {
  const Problem problem = weight_problem();
  for (const char* id : kIds)
    for (const int error : {kInvalidValue, kOutOfMemory}) {
      const auto use = [&] {
        const auto fresh = open_device("cuda");
        const KernelCandidate& tried = candidate(problem.op, id);
        const Support support = tried.query(problem, *fresh);
        const auto kernel = tried.prepare(problem, support.configurations.at(0), *fresh);
        Operands operands(*fresh, problem, support.configurations[0].workspace);
        kernel->launch(operands.arguments());
        operands.result();
      };
      SIMULATOR(simcuda_fail_call)(0, 0);
      use();
      const std::uint64_t calls = SIMULATOR(simcuda_call_count)();
      const bool every = std::getenv("ENGINE_TEST_EXHAUSTIVE") != nullptr;
      const std::uint64_t step = every ? 1 : calls / kFaults + 1;
      std::uint64_t failures = 0;
      for (std::uint64_t call = 1; call <= calls; call += step) {
        SIMULATOR(simcuda_fail_call)(call, error);
        try {
          use();
        } catch (const DeviceError&) {
          ++failures;
        }
      }
      EXPECT_GT(failures, calls / step / 2) << id;
    }
}

}  // namespace
}  // namespace engine::test
