// Plans of the real cuDNN for an H100, which need not be there: since 9.8 the library builds them
// for a description of a device, without a driver. So what the heuristics, engines, notes and knobs
// of that device look like to us is tested, though nothing can run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/core/error.h"
#include "kernels/cudnn/convolution_plans.h"
#include "ops/convolution.h"

namespace engine::cuda {
namespace {

constexpr const char* kH100 = R"({
  "deviceName": "NVIDIA H100 80GB HBM3", "cudaDeviceId": 0, "pciDeviceId": 0,
  "deviceVer": 900, "driverVer": 13000, "isTccDriver": 0, "supportCoopLaunch": 1,
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
  "multiProcessorCount": 132, "warpSize": 32, "maxThreadsPerBlock": 1024,
  "maxThreadsPerSM": 2048, "maxCtasPerSM": 32, "regsPerBlock": 65536,
  "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152,
  "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024,
  "totalGlobalMem": 85028896768, "l2CacheSize": 52428800, "smClockRateKHz": 1980000,
  "memClockRateKHz": 2619000})";

// 32 images of `channels` into as many, 32 × 32, filters of 3 × 3.
Problem problem_of(const std::string& op, std::int64_t channels, DType dtype, Layout layout,
                   Math math) {
  WindowAttributes window;
  window.padding_before = window.padding_after = {0, 1, 1};
  const TensorType image{{32, channels, 32, 32}, dtype, layout};
  const TensorType filter{{channels, channels, 3, 3}};
  Problem problem;
  if (op == "convolution")
    problem = graph::make_problem(*ops::convolution({window, 1, {Activation::none, {}, dtype}}),
                                  {{image, filter, {{channels}}}});
  else if (op == "convolution_input_gradient")
    problem = graph::make_problem(*ops::convolution_input_gradient(window, 1, {1, 32, 32}),
                                  {{image, filter}});
  else
    problem = graph::make_problem(*ops::convolution_weight_gradient(window, 1, {1, 3, 3}),
                                  {{image, image}});
  problem.math = math;
  return problem;
}

std::set<std::string> plans(const Problem& problem) {
  std::set<std::string> names;
  visit_convolution_plans(
      ConvolutionProblem::of(problem), describe_device(kH100),
      [](const std::string&) { return true; },
      [&](const ConvolutionPlan& plan) { EXPECT_TRUE(names.insert(plan.name).second); });
  return names;
}

class CudnnPlans : public testing::TestWithParam<const char*> {
 protected:
  // The headers, which this was built with, may be there without the library.
  void SetUp() override {
    if (!cudnn_refusal().empty()) GTEST_SKIP() << cudnn_refusal();
  }
};

TEST_P(CudnnPlans, StrictMathHasFewerThanTf32) {
  for (const Layout layout : {Layout::row_major, Layout::channels_last})
    for (const std::int64_t channels : {3, 50, 64}) {
      const auto of = [&](Math math) {
        return plans(problem_of(GetParam(), channels, DType::f32, layout, math));
      };
      const auto strict = of(Math::strict), loose = of(Math::tf32);
      EXPECT_GE(strict.size(), 2u);
      EXPECT_GT(loose.size(), strict.size());
      for (const std::string& name : strict) EXPECT_TRUE(loose.count(name)) << name;
    }
}

// A second look finds the same names, and a plan can be built by its name alone.
TEST_P(CudnnPlans, HaveStableNames) {
  const Problem problem = problem_of(GetParam(), 64, DType::f32, Layout::channels_last, Math::tf32);
  const auto names = plans(problem);
  EXPECT_EQ(plans(problem), names);
  const std::string wanted = *names.rbegin();
  int taken = 0;
  visit_convolution_plans(
      ConvolutionProblem::of(problem), describe_device(kH100),
      [&](const std::string& name) { return name == wanted; },
      [&](const ConvolutionPlan& plan) { taken += plan.name == wanted; });
  EXPECT_EQ(taken, 1);
}

// The library has no engine that gives f32 from bf16: the gradient of an f32 weight is not its.
TEST_P(CudnnPlans, OfBf16AreOfOneType) {
  const bool weights = std::string(GetParam()) == "convolution_weight_gradient";
  const auto names =
      plans(problem_of(GetParam(), 64, DType::bf16, Layout::channels_last, Math::strict));
  EXPECT_EQ(names.empty(), weights);
}

TEST(CudnnDevice, AnIncompleteDescriptionIsRefused) {
  if (!cudnn_refusal().empty()) GTEST_SKIP() << cudnn_refusal();
  try {
    describe_device("{}");
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_EQ(std::string(error.what()).find("cudnnBackendFinalize failed: CUDNN_STATUS_BAD_PARAM"),
              0u)
        << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, CudnnPlans,
                         testing::Values("convolution", "convolution_input_gradient",
                                         "convolution_weight_gradient"));

}  // namespace
}  // namespace engine::cuda
