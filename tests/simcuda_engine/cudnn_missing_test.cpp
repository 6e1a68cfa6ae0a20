// A machine without libcudnn: the plug-in loads, says why, and refuses instead of failing. The
// library's loader is compiled here for a file that nobody has.
#include <gtest/gtest.h>

#include "engine/core/error.h"
#include "engine/device/backend.h"
#include "engine/device/cuda/cudnn_library.h"
#include "kernels/cudnn/rnn_candidate.h"
#include "kernels/lstm.h"
#include "ops/lstm.h"

namespace engine::cuda {
namespace {

TEST(CudnnMissing, IsSaidAndRefused) {
  EXPECT_EQ(cudnn_version(), "none");
  EXPECT_NE(cudnn_refusal().find(ENGINE_CUDNN_FILE), std::string::npos) << cudnn_refusal();
  EXPECT_THROW(find_cudnn("cudnnCreate"), DeviceError);
  cudnnHandle_t handle = nullptr;
  EXPECT_THROW(ENGINE_CUDNN_CHECK(cudnnCreate, &handle), DeviceError);
}

TEST(CudnnMissing, CandidatesRefuse) {
  CandidateRegistry registry;
  add_cudnn_rnn(registry, kLstm);
  const auto device = open_device("cpu");  // not asked for anything
  const Problem problem =
      graph::make_problem(*ops::lstm({.keep = false}), {{{{3, 4, 5}}, {{5, 8}}, {{2, 8}}, {{8}}}});
  const auto candidates = registry.find("lstm", "cuda");
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0]->query(problem, *device).refusal, "no cuDNN: " + cudnn_refusal());
}

}  // namespace
}  // namespace engine::cuda
