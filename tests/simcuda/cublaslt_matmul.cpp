// cuBLASLt entry points: choosing an algorithm, and the product itself, D = α·op(A)·op(B) + β·C and
// an epilogue, deferred on its stream like any kernel.
//
// Three algorithms exist, so that a tuner has something to choose from: one without workspace, and
// two that cut the sum over k into parts, which need workspace and round differently.
#include <cublasLt.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "cublaslt.h"
#include "devices.h"
#include "memory.h"
#include "product.h"
#include "stream.h"

namespace simcuda {
namespace {

constexpr std::uint64_t algorithm_mark =
    0x73696D6375646121;  // first word of a cublasLtMatmulAlgo_t
constexpr std::size_t workspace_alignment = 16;

struct Algorithm {
  std::uint64_t mark;
  std::int32_t id;
  std::int32_t splits;
  std::uint64_t workspace;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

// A product as its descriptors say it, checked.
struct Problem {
  MatmulDescription matmul;
  MatrixLayout a, b, c, d;
  std::size_t m = 0, n = 0, k = 0;
};

struct Operands {
  const void* a;
  const void* b;
  const void* c;
  void* d;
  float alpha;
  float beta;
  void* workspace;
};

bool supported_epilogue(std::uint32_t epilogue) {
  switch (epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_BGRADA:
    case CUBLASLT_EPILOGUE_BGRADB:
      return true;
    default:
      return false;
  }
}

bool uses_bias(std::uint32_t epilogue) {
  return epilogue != CUBLASLT_EPILOGUE_DEFAULT && epilogue != CUBLASLT_EPILOGUE_RELU;
}

std::size_t bias_length(const Problem& problem) {
  return problem.matmul.epilogue == CUBLASLT_EPILOGUE_BGRADB ? problem.n : problem.m;
}

cublasStatus_t check_support(const Problem& problem) {
  const MatmulDescription& matmul = problem.matmul;
  if (matmul.compute_type != CUBLAS_COMPUTE_32F &&
      matmul.compute_type != CUBLAS_COMPUTE_32F_FAST_TF32)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (matmul.scale_type != CUDA_R_32F || matmul.pointer_mode != CUBLASLT_POINTER_MODE_HOST)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  const std::uint32_t in = problem.a.type, out = problem.d.type;
  const bool f32 = in == CUDA_R_32F && out == CUDA_R_32F;
  const bool bf16 = in == CUDA_R_16BF && (out == CUDA_R_16BF || out == CUDA_R_32F) &&
                    matmul.compute_type == CUBLAS_COMPUTE_32F;
  if ((!f32 && !bf16) || problem.b.type != in || problem.c.type != out)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  for (const MatrixLayout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    if (layout->batch_count != problem.d.batch_count) return CUBLAS_STATUS_INVALID_VALUE;
  }
  return supported_epilogue(matmul.epilogue) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t read_problem(cublasLtMatmulDesc_t matmul, cublasLtMatrixLayout_t a,
                            cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                            cublasLtMatrixLayout_t d, Problem& out) {
  const auto description = matmul_descriptions().find(matmul);
  if (description == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  out.matmul = *description;
  const std::pair<cublasLtMatrixLayout_t, MatrixLayout*> layouts[] = {
      {a, &out.a}, {b, &out.b}, {c, &out.c}, {d, &out.d}};
  for (const auto& [handle, layout] : layouts) {
    const auto found = matrix_layouts().find(handle);
    if (found == nullptr || !found->valid()) return CUBLAS_STATUS_INVALID_VALUE;
    *layout = *found;
  }
  const bool turn_a = out.matmul.transpose_a != CUBLAS_OP_N;
  const bool turn_b = out.matmul.transpose_b != CUBLAS_OP_N;
  out.m = turn_a ? out.a.columns : out.a.rows;
  out.k = turn_a ? out.a.rows : out.a.columns;
  out.n = turn_b ? out.b.rows : out.b.columns;
  const std::uint64_t k_of_b = turn_b ? out.b.columns : out.b.rows;
  if (k_of_b != out.k) return CUBLAS_STATUS_INVALID_VALUE;
  for (const MatrixLayout* layout : {&out.c, &out.d})
    if (layout->rows != out.m || layout->columns != out.n) return CUBLAS_STATUS_INVALID_VALUE;
  return check_support(out);
}

std::vector<Algorithm> algorithms(const Problem& problem) {
  const std::uint64_t partial = std::uint64_t{problem.m} * problem.n * sizeof(float);
  return {{algorithm_mark, 0, 1, 0},
          {algorithm_mark, 1, 2, 2 * partial},
          {algorithm_mark, 2, 4, 4 * partial}};
}

// Memory of a type that is f32 or bf16, read and written as floats.
struct Elements {
  void* data;
  std::uint32_t type;

  float load(std::int64_t i) const {
    return type == CUDA_R_16BF ? from_bf16(static_cast<const std::uint16_t*>(data)[i])
                               : static_cast<const float*>(data)[i];
  }
  void store(std::int64_t i, float value) const {
    if (type == CUDA_R_16BF)
      static_cast<std::uint16_t*>(data)[i] = to_bf16(value);
    else
      static_cast<float*>(data)[i] = value;
  }
};

// A matrix that is multiplied: where it lies, or a copy of bf16 as floats.
class Floats {
 public:
  Floats(const MatrixLayout& layout, const void* data) : data_(static_cast<const float*>(data)) {
    if (layout.type != CUDA_R_16BF) return;
    const auto* elements = static_cast<const std::uint16_t*>(data);
    copy_.resize(layout.extent());
    std::transform(elements, elements + copy_.size(), copy_.begin(), from_bf16);
    data_ = copy_.data();
  }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  const float* data() const { return data_; }

 private:
  const float* data_;
  std::vector<float> copy_;
};

MatrixView view(const MatrixLayout& layout, const float* data, std::int64_t batch, bool turned) {
  const MatrixView straight{data + batch * layout.batch_stride, layout.row_stride(),
                            layout.column_stride()};
  return turned ? MatrixView{straight.data, straight.column_stride, straight.row_stride} : straight;
}

// The gradient of a bias: op(A) summed over its columns, or op(B) over its rows.
void reduce_bias_gradient(const Problem& problem, const MatrixView& a, const MatrixView& b) {
  const bool of_a = problem.matmul.epilogue == CUBLASLT_EPILOGUE_BGRADA;
  const float* data = of_a ? a.data : b.data;
  const std::int64_t line = of_a ? a.row_stride : b.column_stride;
  const std::int64_t step = of_a ? a.column_stride : b.row_stride;
  const Elements gradient{problem.matmul.bias, problem.d.type};
  for (std::size_t i = 0; i < bias_length(problem); ++i) {
    float sum = 0;
    for (std::size_t k = 0; k < problem.k; ++k)
      sum += data[static_cast<std::int64_t>(i) * line + static_cast<std::int64_t>(k) * step];
    gradient.store(static_cast<std::int64_t>(i), sum);
  }
}

void finish(const Problem& problem, const Operands& operands, std::int64_t batch,
            const std::vector<float>& product) {
  const std::uint32_t epilogue = problem.matmul.epilogue;
  const bool add_bias =
      epilogue == CUBLASLT_EPILOGUE_BIAS || epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
  const bool relu = epilogue == CUBLASLT_EPILOGUE_RELU || epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
  // The library wants a bias of the result's type.
  const Elements bias{problem.matmul.bias, problem.d.type};
  const Elements c{const_cast<void*>(operands.c), problem.c.type};
  const Elements d{operands.d, problem.d.type};
  const auto at = [batch](const MatrixLayout& layout, std::size_t i, std::size_t j) {
    return batch * layout.batch_stride + static_cast<std::int64_t>(i) * layout.row_stride() +
           static_cast<std::int64_t>(j) * layout.column_stride();
  };
  for (std::size_t i = 0; i < problem.m; ++i)
    for (std::size_t j = 0; j < problem.n; ++j) {
      float value = operands.alpha * product[i * problem.n + j];
      if (operands.beta != 0) value += operands.beta * c.load(at(problem.c, i, j));
      if (add_bias) value += bias.load(static_cast<std::int64_t>(i));
      if (relu && value < 0) value = 0;
      d.store(at(problem.d, i, j), value);
    }
}

bool reachable(const void* address, std::size_t bytes, const char* name) {
  if (device_memory().contains(address, bytes)) return true;
  std::fprintf(stderr, "simcuda: cublasLtMatmul: %s is not %zu bytes of device memory\n", name,
               bytes);
  return false;
}

void execute(const Problem& problem, const Operands& operands, const Algorithm& algorithm) {
  const bool has_bias = uses_bias(problem.matmul.epilogue);
  if (!reachable(operands.a, problem.a.extent_bytes(), "A") ||
      !reachable(operands.b, problem.b.extent_bytes(), "B") ||
      !reachable(operands.d, problem.d.extent_bytes(), "D") ||
      (operands.beta != 0 && !reachable(operands.c, problem.c.extent_bytes(), "C")) ||
      (has_bias && !reachable(problem.matmul.bias, bias_length(problem) * problem.d.element_bytes(),
                              "the bias")) ||
      (algorithm.workspace != 0 &&
       !reachable(operands.workspace, algorithm.workspace, "the workspace"))) {
    faults().raise(cudaErrorIllegalAddress);
    return;
  }
  // A caller's data that lies in the workspace by mistake must not survive.
  if (algorithm.workspace != 0) std::memset(operands.workspace, 0xFF, algorithm.workspace);
  const bool tf32 = problem.matmul.compute_type == CUBLAS_COMPUTE_32F_FAST_TF32;
  const Floats a_values(problem.a, operands.a), b_values(problem.b, operands.b);
  for (std::int64_t batch = 0; batch < problem.d.batch_count; ++batch) {
    const MatrixView a =
        view(problem.a, a_values.data(), batch, problem.matmul.transpose_a != CUBLAS_OP_N);
    const MatrixView b =
        view(problem.b, b_values.data(), batch, problem.matmul.transpose_b != CUBLAS_OP_N);
    const auto splits = static_cast<std::size_t>(algorithm.splits);
    finish(problem, operands, batch, multiply(a, b, problem.m, problem.n, problem.k, splits, tf32));
    if (problem.matmul.epilogue == CUBLASLT_EPILOGUE_BGRADA ||
        problem.matmul.epilogue == CUBLASLT_EPILOGUE_BGRADB)
      reduce_bias_gradient(problem, a, b);
  }
}

bool misaligned(const void* address, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(address) % alignment != 0;
}

cublasStatus_t check_operands(const Problem& problem, const Operands& operands,
                              const Algorithm& algorithm, std::size_t workspace_bytes) {
  if (operands.a == nullptr || operands.b == nullptr || operands.d == nullptr)
    return CUBLAS_STATUS_INVALID_VALUE;
  if (operands.beta != 0 && operands.c == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (uses_bias(problem.matmul.epilogue) && problem.matmul.bias == nullptr)
    return CUBLAS_STATUS_INVALID_VALUE;
  if (algorithm.mark != algorithm_mark || algorithm.splits < 1) return CUBLAS_STATUS_INVALID_VALUE;
  if (workspace_bytes < algorithm.workspace) return CUBLAS_STATUS_INVALID_VALUE;
  if (algorithm.workspace != 0 && operands.workspace == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (misaligned(operands.workspace, workspace_alignment)) return CUBLAS_STATUS_INVALID_VALUE;
  if (misaligned(operands.a, problem.a.element_bytes()) ||
      misaligned(operands.b, problem.b.element_bytes()) ||
      misaligned(operands.d, problem.d.element_bytes()))
    return CUBLAS_STATUS_INVALID_VALUE;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t list_algorithms(const Problem& problem, std::uint64_t max_workspace, int capacity,
                               cublasLtMatmulHeuristicResult_t* out, int& count) {
  count = 0;
  for (const Algorithm& algorithm : algorithms(problem)) {
    if (algorithm.workspace > max_workspace || count == capacity) continue;
    cublasLtMatmulHeuristicResult_t& result = out[count++];
    result = {};
    std::memcpy(&result.algo, &algorithm, sizeof algorithm);
    result.workspaceSize = algorithm.workspace;
    result.state = CUBLAS_STATUS_SUCCESS;
    constexpr float tile_area = 128.0f * 128.0f;
    result.wavesCount = static_cast<float>(problem.m) * static_cast<float>(problem.n) *
                        static_cast<float>(algorithm.splits) / (tile_area * multiprocessors);
  }
  return count == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
}

}  // namespace
}  // namespace simcuda

using namespace simcuda;

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t matmul,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference_handle,
                                              int capacity, cublasLtMatmulHeuristicResult_t out[],
                                              int* count) {
  return enter_cublas(Call::ordinary, [&] {
    if (cublaslt_contexts().find(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    const auto preference = matmul_preferences().find(preference_handle);
    if (preference == nullptr || capacity <= 0 || out == nullptr || count == nullptr)
      return CUBLAS_STATUS_INVALID_VALUE;
    *count = 0;
    Problem problem;
    const cublasStatus_t status = read_problem(matmul, a, b, c, d, problem);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    return list_algorithms(problem, preference->max_workspace, capacity, out, *count);
  });
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                    void* value, size_t bytes, size_t* written) {
  return enter_cublas(Call::ordinary, [&] {
    if (algo == nullptr || value == nullptr || bytes != sizeof(std::int32_t))
      return CUBLAS_STATUS_INVALID_VALUE;
    Algorithm algorithm;
    std::memcpy(&algorithm, algo, sizeof algorithm);
    if (algorithm.mark != algorithm_mark) return CUBLAS_STATUS_INVALID_VALUE;
    std::int32_t answer = 0;  // of the attributes that mean nothing here
    if (attribute == CUBLASLT_ALGO_CONFIG_ID) answer = algorithm.id;
    if (attribute == CUBLASLT_ALGO_CONFIG_SPLITK_NUM) answer = algorithm.splits;
    std::memcpy(value, &answer, sizeof answer);
    if (written != nullptr) *written = sizeof answer;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t matmul,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, size_t workspace_bytes, cudaStream_t stream_handle) {
  return enter_cublas(Call::ordinary, [&] {
    if (cublaslt_contexts().find(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    const auto stream = find_stream(stream_handle);
    if (stream == nullptr || alpha == nullptr || beta == nullptr)
      return CUBLAS_STATUS_INVALID_VALUE;
    Problem problem;
    cublasStatus_t status = read_problem(matmul, a_layout, b_layout, c_layout, d_layout, problem);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    Algorithm algorithm = algorithms(problem).front();
    if (algo != nullptr) std::memcpy(&algorithm, algo, sizeof algorithm);
    const Operands operands{
        a, b, c, d, *static_cast<const float*>(alpha), *static_cast<const float*>(beta), workspace};
    status = check_operands(problem, operands, algorithm, workspace_bytes);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    return status_of(enqueue(*stream, [=] { execute(problem, operands, algorithm); }));
  });
}
