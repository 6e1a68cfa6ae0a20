// cuBLASLt entry points: handles, descriptors and their attributes, status texts.
#include <cublasLt.h>

#include <cstring>

#include "cublaslt.h"
#include "devices.h"

namespace simcuda {
namespace {

// Where an attribute lives in its structure; null for one that is not simulated.
struct Field {
  void* value = nullptr;
  std::size_t bytes = 0;
};

template <class T>
Field field(T& value) {
  return {&value, sizeof value};
}

Field find_field(MatmulDescription& matmul, cublasLtMatmulDescAttributes_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return field(matmul.compute_type);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return field(matmul.scale_type);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return field(matmul.pointer_mode);
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return field(matmul.transpose_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return field(matmul.transpose_b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return field(matmul.epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return field(matmul.bias);
    default:
      return {};
  }
}

Field find_field(MatrixLayout& layout, cublasLtMatrixLayoutAttribute_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return field(layout.type);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return field(layout.order);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return field(layout.rows);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return field(layout.columns);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return field(layout.leading_dimension);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return field(layout.batch_count);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return field(layout.batch_stride);
    default:
      return {};
  }
}

Field find_field(MatmulPreference& preference, cublasLtMatmulPreferenceAttributes_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_SEARCH_MODE:
      return field(preference.search_mode);
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return field(preference.max_workspace);
    default:
      return {};
  }
}

template <class Table, class Handle, class Attribute>
cublasStatus_t set_attribute(const Table& table, Handle handle, Attribute attribute,
                             const void* from, std::size_t bytes) {
  return enter_cublas(Call::ordinary, [&] {
    const auto object = table.find(handle);
    if (object == nullptr || from == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    const Field to = find_field(*object, attribute);
    if (to.value == nullptr || to.bytes != bytes) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(to.value, from, bytes);
    return CUBLAS_STATUS_SUCCESS;
  });
}

template <class Table, class Handle, class Attribute>
cublasStatus_t get_attribute(const Table& table, Handle handle, Attribute attribute, void* to,
                             std::size_t bytes, std::size_t* written) {
  return enter_cublas(Call::ordinary, [&] {
    const auto object = table.find(handle);
    if (object == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    const Field from = find_field(*object, attribute);
    if (from.value == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    if (bytes == 0 && written == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    if (bytes != 0 && (to == nullptr || bytes != from.bytes)) return CUBLAS_STATUS_INVALID_VALUE;
    if (bytes != 0) std::memcpy(to, from.value, bytes);
    if (written != nullptr) *written = from.bytes;
    return CUBLAS_STATUS_SUCCESS;
  });
}

template <class Table, class Handle, class Object>
cublasStatus_t create(Table& table, Handle* out, const Object& object) {
  return enter_cublas(Call::ordinary, [&] {
    if (out == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *out = table.add(std::make_shared<Object>(object));
    return CUBLAS_STATUS_SUCCESS;
  });
}

template <class Table, class Handle>
cublasStatus_t destroy(Table& table, Handle handle, cublasStatus_t unknown) {
  return enter_cublas(Call::release,
                      [&] { return table.remove(handle) ? CUBLAS_STATUS_SUCCESS : unknown; });
}

}  // namespace

HandleTable<cublasLtHandle_t, CublasLtContext>& cublaslt_contexts() {
  static auto* const table = new HandleTable<cublasLtHandle_t, CublasLtContext>;
  return *table;
}

HandleTable<cublasLtMatmulDesc_t, MatmulDescription>& matmul_descriptions() {
  static auto* const table = new HandleTable<cublasLtMatmulDesc_t, MatmulDescription>;
  return *table;
}

HandleTable<cublasLtMatrixLayout_t, MatrixLayout>& matrix_layouts() {
  static auto* const table = new HandleTable<cublasLtMatrixLayout_t, MatrixLayout>;
  return *table;
}

HandleTable<cublasLtMatmulPreference_t, MatmulPreference>& matmul_preferences() {
  static auto* const table = new HandleTable<cublasLtMatmulPreference_t, MatmulPreference>;
  return *table;
}

std::size_t cublaslt_handles() {
  return cublaslt_contexts().size();
}

std::size_t cublaslt_descriptors() {
  return matmul_descriptions().size() + matrix_layouts().size() + matmul_preferences().size();
}

cublasStatus_t status_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return CUBLAS_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation:
      return CUBLAS_STATUS_ALLOC_FAILED;
    case cudaErrorNoDevice:
      return CUBLAS_STATUS_NOT_INITIALIZED;
    case cudaErrorInvalidResourceHandle:
      return CUBLAS_STATUS_INVALID_VALUE;
    default:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

bool MatrixLayout::valid() const {
  const bool known_order = order == CUBLASLT_ORDER_COL || order == CUBLASLT_ORDER_ROW;
  const std::uint64_t line = row_major() ? columns : rows;
  return known_order && rows > 0 && columns > 0 && batch_count > 0 && leading_dimension > 0 &&
         static_cast<std::uint64_t>(leading_dimension) >= line;
}

std::size_t MatrixLayout::extent() const {
  const std::uint64_t lines = row_major() ? rows : columns;
  const std::uint64_t line = row_major() ? columns : rows;
  const auto stride = static_cast<std::uint64_t>(leading_dimension);
  const auto batches = static_cast<std::uint64_t>(batch_count - 1);
  return (lines - 1) * stride + line + batches * static_cast<std::uint64_t>(batch_stride);
}

}  // namespace simcuda

using namespace simcuda;

cublasStatus_t cublasLtCreate(cublasLtHandle_t* out) {
  return create(cublaslt_contexts(), out, CublasLtContext{current_device()});
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return destroy(cublaslt_contexts(), handle, CUBLAS_STATUS_NOT_INITIALIZED);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* out, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  MatmulDescription description;
  description.compute_type = compute;
  description.scale_type = scale;
  return create(matmul_descriptions(), out, description);
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle) {
  return destroy(matmul_descriptions(), handle, CUBLAS_STATUS_INVALID_VALUE);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t bytes) {
  return set_attribute(matmul_descriptions(), handle, attribute, value, bytes);
}

cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute, void* value,
                                              size_t bytes, size_t* written) {
  return get_attribute(matmul_descriptions(), handle, attribute, value, bytes, written);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* out, cudaDataType type,
                                          uint64_t rows, uint64_t columns,
                                          int64_t leading_dimension) {
  MatrixLayout layout;
  layout.type = type;
  layout.rows = rows;
  layout.columns = columns;
  layout.leading_dimension = leading_dimension;
  return create(matrix_layouts(), out, layout);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle) {
  return destroy(matrix_layouts(), handle, CUBLAS_STATUS_INVALID_VALUE);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, size_t bytes) {
  return set_attribute(matrix_layouts(), handle, attribute, value, bytes);
}

cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                void* value, size_t bytes, size_t* written) {
  return get_attribute(matrix_layouts(), handle, attribute, value, bytes, written);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* out) {
  return create(matmul_preferences(), out, MatmulPreference{});
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle) {
  return destroy(matmul_preferences(), handle, CUBLAS_STATUS_INVALID_VALUE);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t bytes) {
  return set_attribute(matmul_preferences(), handle, attribute, value, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    void* value, size_t bytes, size_t* written) {
  return get_attribute(matmul_preferences(), handle, attribute, value, bytes, written);
}

size_t cublasLtGetVersion(void) {
  return CUBLAS_VERSION;
}

size_t cublasLtGetCudartVersion(void) {
  return CUDART_VERSION;
}

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "CUBLAS_STATUS_LICENSE_ERROR";
  }
  return "unknown status";
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an invalid value was used as an argument";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "an absent device architectural feature is required";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "an access to GPU memory space failed";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the GPU program failed to execute";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "an internal operation failed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality requested is not supported";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "the functionality requires a license";
  }
  return "unknown status";
}

const char* cublasGetStatusName(cublasStatus_t status) {
  return cublasLtGetStatusName(status);
}

const char* cublasGetStatusString(cublasStatus_t status) {
  return cublasLtGetStatusString(status);
}
