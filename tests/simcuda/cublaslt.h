// The simulated cuBLASLt: descriptors kept as plain structures, products of f32 or bf16 summed in
// single precision. What the library documents as an error is an error here, so a wrong descriptor
// fails without a GPU.
#pragma once

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>

#include "faults.h"
#include "handles.h"

namespace simcuda {

struct MatmulDescription {
  std::int32_t compute_type = CUBLAS_COMPUTE_32F;
  std::int32_t scale_type = CUDA_R_32F;
  std::int32_t pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  std::int32_t transpose_a = CUBLAS_OP_N;
  std::int32_t transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
};

struct MatrixLayout {
  std::uint32_t type = CUDA_R_32F;
  std::int32_t order = CUBLASLT_ORDER_COL;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::int64_t leading_dimension = 0;
  std::int32_t batch_count = 1;
  std::int64_t batch_stride = 0;

  bool row_major() const { return order == CUBLASLT_ORDER_ROW; }
  std::int64_t row_stride() const { return row_major() ? leading_dimension : 1; }
  std::int64_t column_stride() const { return row_major() ? 1 : leading_dimension; }
  std::size_t element_bytes() const { return type == CUDA_R_16BF ? 2 : 4; }
  // From the first element to one past the last, all matrices of the batch.
  std::size_t extent() const;
  std::size_t extent_bytes() const { return extent() * element_bytes(); }
  bool valid() const;
};

struct MatmulPreference {
  std::uint32_t search_mode = CUBLASLT_SEARCH_BEST_FIT;
  std::uint64_t max_workspace = 0;
};

struct CublasLtContext {
  int device = 0;
};

HandleTable<cublasLtHandle_t, CublasLtContext>& cublaslt_contexts();
HandleTable<cublasLtMatmulDesc_t, MatmulDescription>& matmul_descriptions();
HandleTable<cublasLtMatrixLayout_t, MatrixLayout>& matrix_layouts();
HandleTable<cublasLtMatmulPreference_t, MatmulPreference>& matmul_preferences();

// For the leak report.
std::size_t cublaslt_handles();
std::size_t cublaslt_descriptors();

cublasStatus_t status_of(cudaError_t error);

// As `enter`, for entry points that answer a cuBLAS status.
template <class Action>
cublasStatus_t enter_cublas(Call kind, Action action) {
  const std::lock_guard lock(entry_mutex());
  const cudaError_t refusal = refuse_call(kind);
  if (refusal == cudaSuccess) return action();
  if (kind == Call::release) action();
  return status_of(refusal);
}

}  // namespace simcuda
