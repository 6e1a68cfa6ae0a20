// The simulated cuDNN's backend API: a plan from descriptors to its result, and each misuse refused
// with the status that cuDNN 9.19 answers.
#include <cudnn.h>

#include <array>
#include <initializer_list>

#include "support.h"

namespace simcuda_test {
namespace {

using Pointer = cudnnBackendDescriptor_t;
constexpr auto kPart = CUDNN_TYPE_BACKEND_DESCRIPTOR;

class CudnnGraph : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    ASSERT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
  }
  void TearDown() override {
    for (const Pointer pointer : made_)
      EXPECT_EQ(cudnnBackendDestroyDescriptor(pointer), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_SUCCESS);
    DeviceTest::TearDown();
  }
  Pointer make(cudnnBackendDescriptorType_t type) {
    Pointer pointer = nullptr;
    EXPECT_EQ(cudnnBackendCreateDescriptor(type, &pointer), CUDNN_STATUS_SUCCESS);
    made_.push_back(pointer);
    return pointer;
  }
  static cudnnStatus_t numbers(Pointer to, cudnnBackendAttributeName_t name,
                               std::vector<std::int64_t> values) {
    return cudnnBackendSetAttribute(to, name, CUDNN_TYPE_INT64,
                                    static_cast<std::int64_t>(values.size()), values.data());
  }
  template <class T>
  static cudnnStatus_t value(Pointer to, cudnnBackendAttributeName_t name,
                             cudnnBackendAttributeType_t type, T one) {
    return cudnnBackendSetAttribute(to, name, type, 1, &one);
  }
  // Two images of one channel, `extent` square.
  Pointer tensor(std::int64_t id, std::int64_t outer, std::int64_t extent,
                 cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    const Pointer made = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    value(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
    numbers(made, CUDNN_ATTR_TENSOR_DIMENSIONS, {outer, 1, extent, extent});
    numbers(made, CUDNN_ATTR_TENSOR_STRIDES, {extent * extent, extent * extent, extent, 1});
    numbers(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, {id});
    numbers(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {16});
    return made;
  }
  Pointer window(std::int64_t before, std::int64_t after) {
    const Pointer made = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    value(made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    value(made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
          CUDNN_CROSS_CORRELATION);
    numbers(made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2});
    numbers(made, CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1});
    numbers(made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {1, 1});
    numbers(made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {before, before});
    numbers(made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {after, after});
    return made;
  }
  Pointer operation(Pointer x, Pointer w, Pointer y, Pointer convolution) {
    const Pointer made = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    value(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1.0f);
    value(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 0.0f);
    value(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kPart, convolution);
    value(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kPart, x);
    value(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kPart, w);
    value(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kPart, y);
    return made;
  }
  Pointer finalized(Pointer pointer) {
    EXPECT_EQ(cudnnBackendFinalize(pointer), CUDNN_STATUS_SUCCESS);
    return pointer;
  }
  // x of 4 × 4, w of 3 × 3, with padding of 1: y of 4 × 4.
  Pointer graph_of(std::int64_t before, std::int64_t after, std::int64_t result) {
    const Pointer graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    value(
        graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, kPart,
        finalized(operation(finalized(tensor('x', 2, 4)), finalized(tensor('w', 1, 3)),
                            finalized(tensor('y', 2, result)), finalized(window(before, after)))));
    return finalized(graph);
  }
  Pointer device() {
    const Pointer made = make(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    value(made, CUDNN_ATTR_DEVICEPROP_DEVICE_ID, CUDNN_TYPE_INT32, std::int32_t{0});
    return finalized(made);
  }
  Pointer heuristic(Pointer graph, cudnnBackendHeurMode_t mode) {
    const Pointer made = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    value(made, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kPart, graph);
    value(made, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
    value(made, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, kPart, device());
    return made;
  }
  // The first configuration of a heuristic: an engine with workspace.
  Pointer plan_of(Pointer graph) {
    Pointer configuration = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    std::int64_t count = 0;
    EXPECT_EQ(
        cudnnBackendGetAttribute(finalized(heuristic(graph, CUDNN_HEUR_MODE_A)),
                                 CUDNN_ATTR_ENGINEHEUR_RESULTS, kPart, 1, &count, &configuration),
        CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(count, 1);
    const Pointer plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    value(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kPart, configuration);
    value(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, kPart, device());
    return plan;
  }
  Pointer pack_of(std::initializer_list<std::int64_t> ids, std::vector<void*> pointers,
                  void* workspace) {
    const Pointer pack = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    numbers(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids);
    cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                             static_cast<std::int64_t>(pointers.size()), pointers.data());
    value(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    return pack;
  }

  cudnnHandle_t handle_ = nullptr;
  std::vector<Pointer> made_;
};

TEST_F(CudnnGraph, ExecutesAPlan) {
  const Pointer plan = finalized(plan_of(graph_of(1, 1, 4)));
  std::int64_t bytes = 0, count = 0;
  ASSERT_EQ(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                     CUDNN_TYPE_INT64, 1, &count, &bytes),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(bytes, 2 * 16 * 4);
  const Buffer<float> x(std::vector<float>(32, 1)), w(std::vector<float>(9, 1)), y(32), space(32);
  const auto run = [&](Pointer pack) { return cudnnBackendExecute(handle_, plan, pack); };
  EXPECT_EQ(run(finalized(pack_of({'x', 'w', 'y'}, {x.data(), w.data(), y.data()}, space.data()))),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(y.read()[0], 4);
  EXPECT_EQ(y.read()[5], 9);
  EXPECT_EQ(run(finalized(pack_of({'x', 'w', 'z'}, {x.data(), w.data(), y.data()}, space.data()))),
            CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  EXPECT_EQ(
      run(finalized(pack_of({'x', 'w', 'y'}, {x.data() + 1, w.data(), y.data()}, space.data()))),
      CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  EXPECT_EQ(run(finalized(pack_of({'x', 'w', 'y'}, {x.data(), w.data(), y.data()}, nullptr))),
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_EQ(run(pack_of({'x', 'w', 'y'}, {x.data(), w.data(), y.data()}, space.data())),
            CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  EXPECT_EQ(cudnnBackendFinalize(pack_of({'x', 'x'}, {x.data(), w.data()}, nullptr)),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnBackendFinalize(pack_of({'x', 'w'}, {x.data()}, nullptr)), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(CudnnGraph, WorkspaceOfTooFewBytesIsAnIllegalAddress) {
  const Pointer plan = finalized(plan_of(graph_of(1, 1, 4)));
  const Buffer<float> x(32), w(9), y(32), space(31);
  ASSERT_EQ(cudnnBackendExecute(
                handle_, plan,
                finalized(pack_of({'x', 'w', 'y'}, {x.data(), w.data(), y.data()}, space.data()))),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  simcuda_reset();
}

TEST_F(CudnnGraph, AttributesAreTypedCountedAndFrozen) {
  const Pointer x = tensor('x', 2, 4);
  EXPECT_EQ(value(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1.0f),
            CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  EXPECT_EQ(numbers(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, {1, 2}), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(numbers(x, CUDNN_ATTR_CONVOLUTION_DILATIONS, {1}), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnBackendSetAttribute(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, nullptr),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(numbers(nullptr, CUDNN_ATTR_TENSOR_UNIQUE_ID, {1}),
            CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  std::int64_t count = 0, id = 0;
  const auto read = [&](cudnnBackendAttributeType_t type) {
    return cudnnBackendGetAttribute(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, type, 1, &count, &id);
  };
  EXPECT_EQ(read(CUDNN_TYPE_INT64), CUDNN_STATUS_NOT_INITIALIZED);
  finalized(x);
  EXPECT_EQ(read(CUDNN_TYPE_INT64), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(id, 'x');
  EXPECT_EQ(read(CUDNN_TYPE_FLOAT), CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  EXPECT_EQ(numbers(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, {1}), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnBackendFinalize(x), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(CudnnGraph, FinalizingChecks) {
  EXPECT_EQ(cudnnBackendFinalize(make(CUDNN_BACKEND_TENSOR_DESCRIPTOR)), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnBackendFinalize(window(-1, 1)), CUDNN_STATUS_BAD_PARAM);
  const Pointer strides = tensor('x', 2, 4);
  numbers(strides, CUDNN_ATTR_TENSOR_STRIDES, {16, 4, 1});
  EXPECT_EQ(cudnnBackendFinalize(strides), CUDNN_STATUS_BAD_PARAM);
  const Pointer alignment = tensor('x', 2, 4);
  numbers(alignment, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {3});
  EXPECT_EQ(cudnnBackendFinalize(alignment), CUDNN_STATUS_BAD_PARAM);

  const Pointer x = finalized(tensor('x', 2, 4)), w = finalized(tensor('w', 1, 3)),
                y = finalized(tensor('y', 2, 4)), padded = finalized(window(1, 1));
  EXPECT_EQ(cudnnBackendFinalize(operation(tensor('x', 2, 4), w, y, padded)),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnBackendFinalize(operation(x, w, y, finalized(window(0, 0)))),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnBackendFinalize(operation(x, w, padded, y)), CUDNN_STATUS_BAD_PARAM);
  const Pointer graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  EXPECT_EQ(value(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, kPart, operation(x, w, y, padded)),
            CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
}

TEST_F(CudnnGraph, HasNoEngineForAsymmetricPadding) {
  EXPECT_EQ(cudnnBackendFinalize(heuristic(graph_of(1, 2, 5), CUDNN_HEUR_MODE_A)),
            CUDNN_STATUS_NOT_SUPPORTED);
}

TEST_F(CudnnGraph, FailsTheCallItIsToldTo) {
  simcuda_fail_call(1, cudaErrorMemoryAllocation);
  Pointer pointer = nullptr;
  EXPECT_EQ(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &pointer),
            CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED);
}

}  // namespace
}  // namespace simcuda_test
