// A machine without libcudnn: the plug-in loads, says why, and refuses instead of failing. The
// library's loader is compiled here for a file that nobody has.
#include <gtest/gtest.h>

#include "engine/core/error.h"
#include "engine/device/cuda/cudnn_library.h"

namespace engine::cuda {
namespace {

TEST(CudnnMissing, IsSaidAndRefused) {
  EXPECT_EQ(cudnn_version(), "none");
  EXPECT_NE(cudnn_refusal().find(ENGINE_CUDNN_FILE), std::string::npos) << cudnn_refusal();
  EXPECT_THROW(find_cudnn("cudnnCreate"), DeviceError);
  cudnnHandle_t handle = nullptr;
  EXPECT_THROW(ENGINE_CUDNN_CHECK(cudnnCreate, &handle), DeviceError);
}

}  // namespace
}  // namespace engine::cuda
