// The simulated cuBLASLt against a naive product, and the errors it must answer.
#include <cublasLt.h>

#include <bit>
#include <cmath>

#include "support.h"

namespace simcuda_test {
namespace {

std::vector<float> small_integers(std::size_t count, unsigned seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int>(seed >> 24) % 9 - 4);
  }
  return values;
}

// One product of small integers, so that every order of summation gives the same.
struct Case {
  std::uint64_t m = 37, n = 45, k = 61;
  bool transpose_a = false, transpose_b = false;
  bool row_major = false;
  float alpha = 1, beta = 0;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
};

class CublasLt : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    ASSERT_EQ(cublasLtCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(cublasLtMatmulPreferenceCreate(&preference_), CUBLAS_STATUS_SUCCESS);
    allow_workspace(1 << 20);
  }
  void TearDown() override {
    destroy_descriptors();
    EXPECT_EQ(cublasLtMatmulPreferenceDestroy(preference_), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtDestroy(handle_), CUBLAS_STATUS_SUCCESS);
    DeviceTest::TearDown();
  }
  void destroy_descriptors() {
    if (matmul_ != nullptr) cublasLtMatmulDescDestroy(matmul_);
    matmul_ = nullptr;
    for (cublasLtMatrixLayout_t* layout : {&a_, &b_, &c_}) {
      if (*layout != nullptr) cublasLtMatrixLayoutDestroy(*layout);
      *layout = nullptr;
    }
  }
  void allow_workspace(std::size_t bytes) {
    ASSERT_EQ(cublasLtMatmulPreferenceSetAttribute(
                  preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes),
              CUBLAS_STATUS_SUCCESS);
  }
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    ASSERT_EQ(cublasLtMatmulDescSetAttribute(matmul_, attribute, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }
  void make_layout(cublasLtMatrixLayout_t* out, const Case& c, std::uint64_t rows,
                   std::uint64_t columns) {
    const auto line = static_cast<std::int64_t>(c.row_major ? columns : rows);
    ASSERT_EQ(cublasLtMatrixLayoutCreate(out, CUDA_R_32F, rows, columns, line),
              CUBLAS_STATUS_SUCCESS);
    const std::int32_t order = c.row_major ? CUBLASLT_ORDER_ROW : CUBLASLT_ORDER_COL;
    ASSERT_EQ(
        cublasLtMatrixLayoutSetAttribute(*out, CUBLASLT_MATRIX_LAYOUT_ORDER, &order, sizeof order),
        CUBLAS_STATUS_SUCCESS);
  }
  void make_descriptors(const Case& c) {
    destroy_descriptors();
    ASSERT_EQ(cublasLtMatmulDescCreate(&matmul_, CUBLAS_COMPUTE_32F, CUDA_R_32F),
              CUBLAS_STATUS_SUCCESS);
    set(CUBLASLT_MATMUL_DESC_TRANSA, c.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, c.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, c.epilogue);
    make_layout(&a_, c, c.transpose_a ? c.k : c.m, c.transpose_a ? c.m : c.k);
    make_layout(&b_, c, c.transpose_b ? c.n : c.k, c.transpose_b ? c.k : c.n);
    make_layout(&c_, c, c.m, c.n);
  }
  std::vector<cublasLtMatmulHeuristicResult_t> heuristics() {
    std::vector<cublasLtMatmulHeuristicResult_t> results(8);
    int count = 0;
    EXPECT_EQ(cublasLtMatmulAlgoGetHeuristic(handle_, matmul_, a_, b_, c_, c_, preference_, 8,
                                             results.data(), &count),
              CUBLAS_STATUS_SUCCESS);
    results.resize(static_cast<std::size_t>(count));
    return results;
  }
  void check(const Case& c);

  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
  cublasLtMatmulDesc_t matmul_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
};

std::vector<float> naive(const Case& c, const std::vector<float>& a, const std::vector<float>& b,
                         const std::vector<float>& old, std::vector<float>& bias) {
  const auto at = [&](std::uint64_t i, std::uint64_t j, std::uint64_t rows, std::uint64_t columns) {
    return c.row_major ? i * columns + j : j * rows + i;
  };
  const auto a_at = [&](std::uint64_t i, std::uint64_t k) {
    return c.transpose_a ? a[at(k, i, c.k, c.m)] : a[at(i, k, c.m, c.k)];
  };
  const auto b_at = [&](std::uint64_t k, std::uint64_t j) {
    return c.transpose_b ? b[at(j, k, c.n, c.k)] : b[at(k, j, c.k, c.n)];
  };
  std::vector<float> out(c.m * c.n);
  for (std::uint64_t i = 0; i < c.m; ++i)
    for (std::uint64_t j = 0; j < c.n; ++j) {
      float sum = 0;
      for (std::uint64_t k = 0; k < c.k; ++k) sum += a_at(i, k) * b_at(k, j);
      float value = c.alpha * sum;
      if (c.beta != 0) value += c.beta * old[at(i, j, c.m, c.n)];
      if (c.epilogue == CUBLASLT_EPILOGUE_BIAS || c.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS)
        value += bias[i];
      if (c.epilogue == CUBLASLT_EPILOGUE_RELU || c.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS)
        value = std::max(value, 0.0f);
      out[at(i, j, c.m, c.n)] = value;
    }
  const bool bgrada = c.epilogue == CUBLASLT_EPILOGUE_BGRADA;
  if (bgrada || c.epilogue == CUBLASLT_EPILOGUE_BGRADB)
    for (std::uint64_t i = 0; i < (bgrada ? c.m : c.n); ++i) {
      bias[i] = 0;
      for (std::uint64_t k = 0; k < c.k; ++k) bias[i] += bgrada ? a_at(i, k) : b_at(k, i);
    }
  return out;
}

void CublasLt::check(const Case& c) {
  make_descriptors(c);
  const std::vector<float> a = small_integers(c.m * c.k, 1), b = small_integers(c.k * c.n, 2),
                           old = small_integers(c.m * c.n, 3);
  std::vector<float> bias = small_integers(std::max(c.m, c.n), 4);
  const Buffer<float> a_device(a), b_device(b), bias_device(bias);
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias_device.data());
  const std::vector<float> expected = naive(c, a, b, old, bias);
  const Buffer<char> workspace(1 << 20);
  const auto algorithms = heuristics();
  EXPECT_GE(algorithms.size(), 2u);
  for (const auto& algorithm : algorithms) {
    const Buffer<float> d_device(old);
    ASSERT_EQ(cublasLtMatmul(handle_, matmul_, &c.alpha, a_device.data(), a_, b_device.data(), b_,
                             &c.beta, d_device.data(), c_, d_device.data(), c_, &algorithm.algo,
                             workspace.data(), algorithm.workspaceSize, nullptr),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(d_device.read(), expected);
  }
  EXPECT_EQ(bias_device.read(), bias);
}

TEST_F(CublasLt, EqualsTheNaiveProduct) {
  for (const bool row_major : {false, true})
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true}) {
        Case c;
        c.row_major = row_major;
        c.transpose_a = transpose_a;
        c.transpose_b = transpose_b;
        check(c);
      }
}

TEST_F(CublasLt, ScalesAndEpilogues) {
  Case c;
  c.alpha = 2;
  c.beta = -3;
  check(c);
  c.beta = 0;
  for (const cublasLtEpilogue_t epilogue :
       {CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_RELU_BIAS,
        CUBLASLT_EPILOGUE_BGRADA, CUBLASLT_EPILOGUE_BGRADB}) {
    c.epilogue = epilogue;
    check(c);
  }
  c = {};
  c.m = 1;
  c.n = 1;
  c.k = 1;
  check(c);
}

TEST_F(CublasLt, Tf32RoundsItsInputs) {
  Case c;
  c.m = c.n = c.k = 1;
  make_descriptors(c);
  set(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, CUBLAS_COMPUTE_32F_FAST_TF32);
  const float fine = 1.0f + std::ldexp(1.0f, -12);
  const Buffer<float> a(std::vector<float>{fine}), b(std::vector<float>{1.0f}), d(1);
  ASSERT_EQ(cublasLtMatmul(handle_, matmul_, &c.alpha, a.data(), a_, b.data(), b_, &c.beta,
                           d.data(), c_, d.data(), c_, nullptr, nullptr, 0, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(d.read()[0], 1.0f);
}

TEST_F(CublasLt, WorkspaceLimitNarrowsTheChoice) {
  make_descriptors({});
  allow_workspace(0);
  const auto algorithms = heuristics();
  ASSERT_EQ(algorithms.size(), 1u);
  EXPECT_EQ(algorithms[0].workspaceSize, 0u);
}

// Sums of at most 96: exact in bf16, too.
TEST_F(CublasLt, MultipliesBf16IntoBf16AndF32) {
  Case c;
  c.k = 6;
  c.epilogue = CUBLASLT_EPILOGUE_BIAS;
  const auto narrow = [](const std::vector<float>& values) {
    std::vector<std::uint16_t> bits;
    for (float value : values)
      bits.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
    return bits;
  };
  const std::vector<float> a = small_integers(c.m * c.k, 1), b = small_integers(c.k * c.n, 2);
  std::vector<float> bias = small_integers(c.m, 3);
  const std::vector<float> expected = naive(c, a, b, {}, bias);
  const Buffer<std::uint16_t> a_device(narrow(a)), b_device(narrow(b)), bf16_bias(narrow(bias)),
      bf16_out(c.m * c.n);
  const Buffer<float> f32_bias(bias), f32_out(c.m * c.n);
  const auto run = [&](cudaDataType out, const void* bias_pointer, void* d) {
    make_descriptors(c);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias_pointer);
    const auto set_type = [](cublasLtMatrixLayout_t layout, cudaDataType type) {
      const auto word = static_cast<std::uint32_t>(type);
      ASSERT_EQ(
          cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_TYPE, &word, sizeof word),
          CUBLAS_STATUS_SUCCESS);
    };
    set_type(a_, CUDA_R_16BF);
    EXPECT_EQ(cublasLtMatmul(handle_, matmul_, &c.alpha, a_device.data(), a_, b_device.data(), b_,
                             &c.beta, d, c_, d, c_, nullptr, nullptr, 0, nullptr),
              CUBLAS_STATUS_NOT_SUPPORTED);  // operands of two types
    set_type(b_, CUDA_R_16BF);
    set_type(c_, out);
    EXPECT_EQ(cublasLtMatmul(handle_, matmul_, &c.alpha, a_device.data(), a_, b_device.data(), b_,
                             &c.beta, d, c_, d, c_, nullptr, nullptr, 0, nullptr),
              CUBLAS_STATUS_SUCCESS);
  };
  run(CUDA_R_32F, f32_bias.data(), f32_out.data());
  EXPECT_EQ(f32_out.read(), expected);
  run(CUDA_R_16BF, bf16_bias.data(), bf16_out.data());
  EXPECT_EQ(bf16_out.read(), narrow(expected));
}

TEST_F(CublasLt, WrongArgumentsAreRefused) {
  const Case c;
  make_descriptors(c);
  const Buffer<float> a(c.m * c.k), b(c.k * c.n), d(c.m * c.n), workspace(1 << 18);
  const auto run = [&](const cublasLtMatmulAlgo_t* algo, void* space, std::size_t bytes,
                       cublasLtMatrixLayout_t b_layout) {
    return cublasLtMatmul(handle_, matmul_, &c.alpha, a.data(), a_, b.data(), b_layout, &c.beta,
                          d.data(), c_, d.data(), c_, algo, space, bytes, nullptr);
  };
  const auto algorithms = heuristics();
  const auto& needy = algorithms.back();
  ASSERT_GT(needy.workspaceSize, 0u);
  EXPECT_EQ(run(&needy.algo, workspace.data(), needy.workspaceSize, b_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(run(&needy.algo, workspace.data(), needy.workspaceSize - 1, b_),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(&needy.algo, nullptr, needy.workspaceSize, b_), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(&needy.algo, workspace.data() + 1, needy.workspaceSize, b_),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(run(nullptr, nullptr, 0, a_), CUBLAS_STATUS_INVALID_VALUE);  // shapes disagree
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);            // and no bias pointer
  EXPECT_EQ(run(nullptr, nullptr, 0, b_), CUBLAS_STATUS_INVALID_VALUE);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_GELU);
  EXPECT_EQ(run(nullptr, nullptr, 0, b_), CUBLAS_STATUS_NOT_SUPPORTED);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_DEFAULT);
  const std::int64_t short_line = 5;
  cublasLtMatrixLayoutSetAttribute(b_, CUBLASLT_MATRIX_LAYOUT_LD, &short_line, sizeof short_line);
  EXPECT_EQ(run(nullptr, nullptr, 0, b_), CUBLAS_STATUS_INVALID_VALUE);
  const std::int32_t wrong_size = 5;
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(b_, CUBLASLT_MATRIX_LAYOUT_LD, &wrong_size,
                                             sizeof wrong_size),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, ShortBufferIsAnIllegalAddress) {
  const Case c;
  make_descriptors(c);
  const Buffer<float> a(c.m * c.k - 1), b(c.k * c.n), d(c.m * c.n);
  ASSERT_EQ(cublasLtMatmul(handle_, matmul_, &c.alpha, a.data(), a_, b.data(), b_, &c.beta,
                           d.data(), c_, d.data(), c_, nullptr, nullptr, 0, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  simcuda_reset();
}

TEST_F(CublasLt, CapturesAndFails) {
  const Case c;
  make_descriptors(c);
  const Buffer<float> a(small_integers(c.m * c.k, 1)), b(small_integers(c.k * c.n, 2)),
      d(c.m * c.n);
  const auto run = [&](cudaStream_t stream) {
    return cublasLtMatmul(handle_, matmul_, &c.alpha, a.data(), a_, b.data(), b_, &c.beta, d.data(),
                          c_, d.data(), c_, nullptr, nullptr, 0, stream);
  };
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(run(stream), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  std::size_t nodes = 0;
  cudaGraphGetNodes(graph, nullptr, &nodes);
  EXPECT_EQ(nodes, 1u);
  cudaGraphDestroy(graph);
  simcuda_fail_call(1, cudaErrorMemoryAllocation);
  EXPECT_EQ(run(stream), CUBLAS_STATUS_ALLOC_FAILED);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace simcuda_test
