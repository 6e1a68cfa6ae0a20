// The simulated cuDNN's legacy API: results against a naive sum, and the errors it must answer.
#include <cudnn.h>

#include <array>

#include "support.h"

namespace simcuda_test {
namespace {

// Two images of four channels into six, 5 × 5 with filters of 3 × 3 and padding of 1.
class CudnnLegacy : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    ASSERT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateTensorDescriptor(&x_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateTensorDescriptor(&y_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateFilterDescriptor(&w_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateConvolutionDescriptor(&window_), CUDNN_STATUS_SUCCESS);
    set_tensors(CUDNN_DATA_FLOAT, false);
    ASSERT_EQ(set_window(1, 1, 1), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnSetConvolutionMathType(window_, CUDNN_FMA_MATH), CUDNN_STATUS_SUCCESS);
  }
  void TearDown() override {
    cudnnDestroyTensorDescriptor(x_);
    cudnnDestroyTensorDescriptor(y_);
    cudnnDestroyFilterDescriptor(w_);
    cudnnDestroyConvolutionDescriptor(window_);
    EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_SUCCESS);
    DeviceTest::TearDown();
  }
  static cudnnStatus_t set_tensor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type,
                                  int channels, bool last) {
    const std::array<int, 4> dims{2, channels, 5, 5};
    const std::array<int, 4> first{channels * 25, 25, 5, 1};
    const std::array<int, 4> strides{25 * channels, 1, 5 * channels, channels};
    return cudnnSetTensorNdDescriptor(tensor, type, 4, dims.data(),
                                      last ? strides.data() : first.data());
  }
  void set_tensors(cudnnDataType_t type, bool last) {
    ASSERT_EQ(set_tensor(x_, type, 4, last), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_tensor(y_, type, 6, last), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_filter(4, last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW, type),
              CUDNN_STATUS_SUCCESS);
  }
  cudnnStatus_t set_filter(int channels, cudnnTensorFormat_t format, cudnnDataType_t type) {
    const std::array<int, 4> dims{6, channels, 3, 3};
    return cudnnSetFilterNdDescriptor(w_, type, format, 4, dims.data());
  }
  cudnnStatus_t set_window(int padding, int stride, int dilation) {
    const std::array<int, 2> p{padding, padding}, s{stride, stride}, d{dilation, dilation};
    return cudnnSetConvolutionNdDescriptor(window_, 2, p.data(), s.data(), d.data(),
                                           CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
  }
  cudnnStatus_t workspace(cudnnConvolutionFwdAlgo_t algorithm) {
    return cudnnGetConvolutionForwardWorkspaceSize(handle_, x_, w_, window_, y_, algorithm,
                                                   &bytes_);
  }
  cudnnStatus_t forward(cudnnConvolutionFwdAlgo_t algorithm, const void* x, const void* w, void* y,
                        void* space, std::size_t bytes, float beta = 0) {
    const float one = 1;
    return cudnnConvolutionForward(handle_, &one, x_, x, w_, w, window_, algorithm, space, bytes,
                                   &beta, y_, y);
  }

  cudnnHandle_t handle_ = nullptr;
  cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t window_ = nullptr;
  std::size_t bytes_ = 0;
};

constexpr auto kImplicit = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
constexpr auto kPrecomputed = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;

// With ones everywhere an output counts the terms that do not lie in the padding.
TEST_F(CudnnLegacy, CountsTermsInEveryDirection) {
  const Buffer<float> x(std::vector<float>(200, 1)), w(std::vector<float>(216, 1)),
      y(std::vector<float>(300, 1));
  ASSERT_EQ(forward(kImplicit, x.data(), w.data(), y.data(), nullptr, 0, 2), CUDNN_STATUS_SUCCESS);
  const auto outputs = y.read();
  EXPECT_EQ(outputs[0], 4 * 4 + 2);
  EXPECT_EQ(outputs[1], 6 * 4 + 2);
  EXPECT_EQ(outputs[12], 9 * 4 + 2);

  const Buffer<float> ones(std::vector<float>(300, 1)), dx(200), dw(216);
  const float one = 1, zero = 0;
  ASSERT_EQ(cudnnConvolutionBackwardData(handle_, &one, w_, w.data(), y_, ones.data(), window_,
                                         CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, nullptr, 0, &zero, x_,
                                         dx.data()),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(dx.read()[0], 4 * 6);
  EXPECT_EQ(dx.read()[12], 9 * 6);
  ASSERT_EQ(cudnnConvolutionBackwardFilter(handle_, &one, x_, x.data(), y_, ones.data(), window_,
                                           CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, nullptr, 0, &zero,
                                           w_, dw.data()),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(dw.read()[0], 16 * 2);
  EXPECT_EQ(dw.read()[4], 25 * 2);
}

TEST_F(CudnnLegacy, AlgorithmsRefuseWhatTheyDoNotSolve) {
  EXPECT_EQ(workspace(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(CUDNN_CONVOLUTION_FWD_ALGO_DIRECT), CUDNN_STATUS_NOT_SUPPORTED);
  set_tensors(CUDNN_DATA_FLOAT, true);
  EXPECT_EQ(workspace(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(workspace(kPrecomputed), CUDNN_STATUS_SUCCESS);
  set_tensors(CUDNN_DATA_BFLOAT16, false);
  EXPECT_EQ(workspace(kPrecomputed), CUDNN_STATUS_NOT_SUPPORTED);  // FMA_MATH
  ASSERT_EQ(cudnnSetConvolutionMathType(window_, CUDNN_TENSOR_OP_MATH), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(kPrecomputed), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(set_filter(4, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(kPrecomputed), CUDNN_STATUS_NOT_SUPPORTED);  // mixed types
}

TEST_F(CudnnLegacy, DescriptorsMustAgree) {
  ASSERT_EQ(set_window(0, 1, 1), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(kImplicit), CUDNN_STATUS_BAD_PARAM);  // y is too large
  ASSERT_EQ(set_window(1, 1, 1), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(set_filter(2, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(kImplicit), CUDNN_STATUS_BAD_PARAM);  // two groups, but not said so
  ASSERT_EQ(cudnnSetConvolutionGroupCount(window_, 2), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(kImplicit), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(set_filter(2, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace(kImplicit), CUDNN_STATUS_NOT_SUPPORTED);  // the filter's layout alone
  cudnnTensorDescriptor_t unset = nullptr;
  ASSERT_EQ(cudnnCreateTensorDescriptor(&unset), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(
      cudnnGetConvolutionForwardWorkspaceSize(handle_, unset, w_, window_, y_, kImplicit, &bytes_),
      CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnDestroyTensorDescriptor(unset), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnDestroyTensorDescriptor(unset), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(CudnnLegacy, ValuesOutOfRangeAreRefused) {
  EXPECT_EQ(set_window(-1, 1, 1), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_window(1, 0, 1), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_window(1, 1, 0), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnSetConvolutionGroupCount(window_, 0), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnSetConvolutionMathType(window_, static_cast<cudnnMathType_t>(9)),
            CUDNN_STATUS_BAD_PARAM);
  const std::array<int, 9> dims{0, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(cudnnSetTensorNdDescriptor(x_, CUDNN_DATA_FLOAT, 4, dims.data(), dims.data() + 1),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnSetTensorNdDescriptor(x_, CUDNN_DATA_FLOAT, 9, dims.data(), dims.data()),
            CUDNN_STATUS_NOT_SUPPORTED);
}

TEST_F(CudnnLegacy, WorkspaceMustBeLargeAlignedAndOnTheDevice) {
  const Buffer<float> x(200), w(216), y(300), space(400);
  ASSERT_EQ(workspace(kPrecomputed), CUDNN_STATUS_SUCCESS);
  ASSERT_GT(bytes_, 0u);
  const auto run = [&](void* at, std::size_t bytes) {
    return forward(kPrecomputed, x.data(), w.data(), y.data(), at, bytes);
  };
  EXPECT_EQ(run(space.data(), bytes_), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(run(space.data(), bytes_ - 1), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_EQ(run(nullptr, bytes_), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_EQ(run(space.data() + 1, bytes_), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  std::array<char, 64> text{};
  cudnnGetLastErrorString(text.data(), text.size());
  EXPECT_STREQ(text.data(), "the workspace is misaligned");
  EXPECT_EQ(forward(kImplicit, nullptr, w.data(), y.data(), nullptr, 0),
            CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
}

TEST_F(CudnnLegacy, ShortBufferIsAnIllegalAddress) {
  const Buffer<float> x(199), w(216), y(300);
  ASSERT_EQ(forward(kImplicit, x.data(), w.data(), y.data(), nullptr, 0), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  simcuda_reset();
}

TEST_F(CudnnLegacy, WhatIsNotDeterministicDiffers) {
  std::vector<float> values(200), gradients(300);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    gradients[i] = 1.0f / static_cast<float>(i + 3);
  const Buffer<float> x(values), y(gradients), dw(216), space(400);
  const auto run = [&](cudnnConvolutionBwdFilterAlgo_t algorithm) {
    const float one = 1, zero = 0;
    EXPECT_EQ(cudnnConvolutionBackwardFilter(handle_, &one, x_, x.data(), y_, y.data(), window_,
                                             algorithm, space.data(), space.bytes(), &zero, w_,
                                             dw.data()),
              CUDNN_STATUS_SUCCESS);
    return dw.read();
  };
  EXPECT_EQ(run(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1), run(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1));
  EXPECT_NE(run(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0), run(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0));
}

TEST_F(CudnnLegacy, CapturesOnTheHandlesStreamAndFails) {
  const Buffer<float> x(200), w(216), y(300);
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudnnSetStream(handle_, stream), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(forward(kImplicit, x.data(), w.data(), y.data(), nullptr, 0), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  std::size_t nodes = 0;
  cudaGraphGetNodes(graph, nullptr, &nodes);
  EXPECT_EQ(nodes, 1u);
  cudaGraphDestroy(graph);
  simcuda_fail_call(1, cudaErrorMemoryAllocation);
  EXPECT_EQ(forward(kImplicit, x.data(), w.data(), y.data(), nullptr, 0),
            CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED);
  cudaStreamDestroy(stream);
  EXPECT_EQ(forward(kImplicit, x.data(), w.data(), y.data(), nullptr, 0),
            CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH);
}

TEST_F(CudnnLegacy, CountsWhatIsNotGivenBack) {
  SimcudaLive live;
  simcuda_live(&live);
  EXPECT_EQ(live.cudnn_handles, 1u);
  EXPECT_EQ(live.cudnn_descriptors, 4u);
}

}  // namespace
}  // namespace simcuda_test
