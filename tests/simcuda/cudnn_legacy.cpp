// cuDNN entry points of the legacy API: descriptors, what an algorithm needs, and the convolutions.
#include <algorithm>

#include "cudnn_objects.h"
#include "devices.h"

namespace simcuda {
namespace {

// What the library documents of an algorithm, reduced to what tells callers apart.
struct Algorithm {
  bool exists = true;
  bool deterministic = true;
  bool any_layout = false;  // or channels first alone
  bool any_dilation = false;
  bool any_stride = false;
  bool three_dimensions = false;
  bool bf16 = false;
  std::vector<std::int64_t> filters;  // extents it is made for; empty: any
  std::size_t workspace_results = 0;  // copies of the result
};

Algorithm gemm(std::size_t workspace_results) {
  return {true, true, true, true, true, true, true, {}, workspace_results};
}

Algorithm transform(std::vector<std::int64_t> filters, std::size_t workspace_results) {
  Algorithm algorithm;
  algorithm.filters = std::move(filters);
  algorithm.workspace_results = workspace_results;
  return algorithm;
}

Algorithm missing() {
  Algorithm algorithm;
  algorithm.exists = false;
  return algorithm;
}

Algorithm nondeterministic(Algorithm algorithm) {
  algorithm.deterministic = false;
  return algorithm;
}

Algorithm describe(CudnnDirection direction, int number) {
  static const std::vector<Algorithm> forward{
      gemm(0),
      gemm(1),
      Algorithm{
          .any_stride = true, .three_dimensions = false, .filters = {}, .workspace_results = 2},
      missing(),
      transform({}, 4),
      transform({}, 3),
      transform({3}, 0),
      transform({3, 5}, 2)};
  static const std::vector<Algorithm> input{nondeterministic(gemm(0)), gemm(1),
                                            transform({}, 4),          transform({}, 3),
                                            transform({3}, 0),         transform({3, 5}, 2)};
  static const std::vector<Algorithm> weight{
      nondeterministic(gemm(0)), gemm(1),   transform({}, 4),
      nondeterministic(gemm(1)), missing(), transform({3}, 2),
      transform({}, 3)};
  const auto& list = direction == CudnnDirection::forward          ? forward
                     : direction == CudnnDirection::input_gradient ? input
                                                                   : weight;
  return number >= 0 && number < static_cast<int>(list.size())
             ? list[static_cast<std::size_t>(number)]
             : missing();
}

bool supports(const Algorithm& algorithm, const CudnnConvolution& c, cudnnMathType_t math) {
  if (!algorithm.exists) return false;
  if (!c.channels_first() && !algorithm.any_layout) return false;
  if (c.largest(c.dilation) > 1 && !algorithm.any_dilation) return false;
  if (c.largest(c.stride) > 1 && !algorithm.any_stride) return false;
  if (c.rank() > 2 && !algorithm.three_dimensions) return false;
  if (c.x.type == CUDNN_DATA_BFLOAT16 && (!algorithm.bf16 || math == CUDNN_FMA_MATH)) return false;
  if (algorithm.filters.empty()) return true;
  const bool square = c.w.dims[2] == c.w.dims.back();
  return square && c.groups() == 1 &&
         std::find(algorithm.filters.begin(), algorithm.filters.end(), c.w.dims[2]) !=
             algorithm.filters.end();
}

struct Handles {
  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t window;
  cudnnTensorDescriptor_t y;
};

// A convolution as its descriptors say it, checked, and its algorithm.
struct Request {
  std::shared_ptr<CudnnContext> context;
  CudnnConvolution convolution;
  Algorithm algorithm;

  std::size_t workspace() const {
    return algorithm.workspace_results * convolution.result().bytes();
  }
};

cudnnStatus_t check_types(const Request& request, const CudnnWindow& window) {
  const CudnnConvolution& c = request.convolution;
  if (!c.of_one_type() || (c.x.type != CUDNN_DATA_FLOAT && c.x.type != CUDNN_DATA_BFLOAT16) ||
      window.compute != CUDNN_DATA_FLOAT)
    return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "a combination of types");
  if (window.mode != CUDNN_CROSS_CORRELATION)
    return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "a mode that is not simulated");
  if (!c.channels_first() && !c.channels_last())
    return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "filter and tensors differ in layout");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t read_request(const Handles& handles, CudnnDirection direction, int algorithm,
                           Request& out) {
  out.context = cudnn_contexts().find(handles.handle);
  const auto x = cudnn_tensors().find(handles.x), y = cudnn_tensors().find(handles.y);
  const auto w = cudnn_filters().find(handles.w);
  const auto window = cudnn_windows().find(handles.window);
  if (out.context == nullptr || x == nullptr || y == nullptr || w == nullptr || window == nullptr)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown handle or descriptor");
  if (!x->is_set() || !y->is_set() || !w->is_set() || window->stride.empty())
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a descriptor that was not set");
  CudnnConvolution& c = out.convolution;
  c = {direction, *x, *w, *y, window->padding, window->padding, window->stride, window->dilation};
  if (const char* why = why_shapes_differ(c)) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, why);
  if (c.groups() != window->groups)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "the group count is not what the channels say");
  if (const cudnnStatus_t status = check_types(out, *window)) return status;
  out.algorithm = describe(direction, algorithm);
  if (!supports(out.algorithm, c, window->math))
    return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "the algorithm does not solve this problem");
  c.tf32 = window->math != CUDNN_FMA_MATH && c.x.type == CUDNN_DATA_FLOAT;
  c.deterministic = out.algorithm.deterministic;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t ask_workspace(const Handles& handles, CudnnDirection direction, int algorithm,
                            size_t* bytes) {
  return enter_cudnn(Call::ordinary, [&] {
    if (bytes == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no size");
    Request request;
    const cudnnStatus_t status = read_request(handles, direction, algorithm, request);
    if (status == CUDNN_STATUS_SUCCESS) *bytes = request.workspace();
    return status;
  });
}

struct Scales {
  const void *alpha, *beta;
};

cudnnStatus_t convolve(const Handles& handles, CudnnDirection direction, int algorithm,
                       const Scales& scales, const CudnnOperands& operands, size_t workspace) {
  return enter_cudnn(Call::ordinary, [&] {
    if (scales.alpha == nullptr || scales.beta == nullptr)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no scale");
    Request request;
    const cudnnStatus_t status = read_request(handles, direction, algorithm, request);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    request.convolution.alpha = *static_cast<const float*>(scales.alpha);
    request.convolution.beta = *static_cast<const float*>(scales.beta);
    return enqueue_convolution(*request.context, request.convolution, operands, request.workspace(),
                               workspace);
  });
}

bool all_at_least(const int* values, int count, int least) {
  return values != nullptr &&
         std::all_of(values, values + count, [least](int value) { return value >= least; });
}

}  // namespace

HandleTable<cudnnTensorDescriptor_t, CudnnTensor>& cudnn_tensors() {
  static auto* const table = new HandleTable<cudnnTensorDescriptor_t, CudnnTensor>;
  return *table;
}

HandleTable<cudnnFilterDescriptor_t, CudnnTensor>& cudnn_filters() {
  static auto* const table = new HandleTable<cudnnFilterDescriptor_t, CudnnTensor>;
  return *table;
}

HandleTable<cudnnConvolutionDescriptor_t, CudnnWindow>& cudnn_windows() {
  static auto* const table = new HandleTable<cudnnConvolutionDescriptor_t, CudnnWindow>;
  return *table;
}

std::size_t cudnn_legacy_descriptors() {
  return cudnn_tensors().size() + cudnn_filters().size() + cudnn_windows().size();
}

}  // namespace simcuda

using namespace simcuda;

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* out) {
  return cudnn_create(cudnn_tensors(), out);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t handle) {
  return cudnn_destroy(cudnn_tensors(), handle);
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t handle, cudnnDataType_t type,
                                         int rank, const int dims[], const int strides[]) {
  return cudnn_change(cudnn_tensors(), handle, [&](CudnnTensor& tensor) {
    if (rank > CUDNN_DIM_MAX) return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "too many dimensions");
    if (rank < 3 || !all_at_least(dims, rank, 1) || !all_at_least(strides, rank, 1))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a dimension or stride below 1");
    tensor = {type, {dims, dims + rank}, {strides, strides + rank}};
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* out) {
  return cudnn_create(cudnn_filters(), out);
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t handle) {
  return cudnn_destroy(cudnn_filters(), handle);
}

cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t handle, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int rank, const int dims[]) {
  return cudnn_change(cudnn_filters(), handle, [&](CudnnTensor& filter) {
    if (rank > CUDNN_DIM_MAX) return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "too many dimensions");
    if (rank < 3 || !all_at_least(dims, rank, 1))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a dimension below 1");
    filter = {type, {dims, dims + rank}, {}};
    filter.pack(format == CUDNN_TENSOR_NHWC);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* out) {
  return cudnn_create(cudnn_windows(), out);
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t handle) {
  return cudnn_destroy(cudnn_windows(), handle);
}

cudnnStatus_t cudnnSetConvolutionNdDescriptor(cudnnConvolutionDescriptor_t handle, int rank,
                                              const int padding[], const int stride[],
                                              const int dilation[], cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute) {
  return cudnn_change(cudnn_windows(), handle, [&](CudnnWindow& window) {
    if (rank < 1 || rank > CUDNN_DIM_MAX - 2 || !all_at_least(padding, rank, 0) ||
        !all_at_least(stride, rank, 1) || !all_at_least(dilation, rank, 1))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "padding, stride or dilation out of range");
    window.padding = {padding, padding + rank};
    window.stride = {stride, stride + rank};
    window.dilation = {dilation, dilation + rank};
    window.mode = mode;
    window.compute = compute;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t handle, int groups) {
  return cudnn_change(cudnn_windows(), handle, [&](CudnnWindow& window) {
    if (groups < 1) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "fewer groups than 1");
    window.groups = groups;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t handle,
                                          cudnnMathType_t math) {
  return cudnn_change(cudnn_windows(), handle, [&](CudnnWindow& window) {
    if (math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown math type");
    window.math = math;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t window, const cudnnTensorDescriptor_t y,
    cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes) {
  return ask_workspace({handle, x, w, window, y}, CudnnDirection::forward, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t y,
    const cudnnConvolutionDescriptor_t window, const cudnnTensorDescriptor_t x,
    cudnnConvolutionBwdDataAlgo_t algorithm, size_t* bytes) {
  return ask_workspace({handle, x, w, window, y}, CudnnDirection::input_gradient, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t y,
    const cudnnConvolutionDescriptor_t window, const cudnnFilterDescriptor_t w,
    cudnnConvolutionBwdFilterAlgo_t algorithm, size_t* bytes) {
  return ask_workspace({handle, x, w, window, y}, CudnnDirection::weight_gradient, algorithm,
                       bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha,
                                      const cudnnTensorDescriptor_t x_descriptor, const void* x,
                                      const cudnnFilterDescriptor_t w_descriptor, const void* w,
                                      const cudnnConvolutionDescriptor_t window,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace,
                                      size_t workspace_bytes, const void* beta,
                                      const cudnnTensorDescriptor_t y_descriptor, void* y) {
  return convolve({handle, x_descriptor, w_descriptor, window, y_descriptor},
                  CudnnDirection::forward, algorithm, {alpha, beta},
                  {const_cast<void*>(x), const_cast<void*>(w), y, workspace}, workspace_bytes);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           const cudnnFilterDescriptor_t w_descriptor,
                                           const void* w,
                                           const cudnnTensorDescriptor_t y_descriptor,
                                           const void* y, const cudnnConvolutionDescriptor_t window,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                           size_t workspace_bytes, const void* beta,
                                           const cudnnTensorDescriptor_t x_descriptor, void* x) {
  return convolve({handle, x_descriptor, w_descriptor, window, y_descriptor},
                  CudnnDirection::input_gradient, algorithm, {alpha, beta},
                  {x, const_cast<void*>(w), const_cast<void*>(y), workspace}, workspace_bytes);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t x_descriptor,
    const void* x, const cudnnTensorDescriptor_t y_descriptor, const void* y,
    const cudnnConvolutionDescriptor_t window, cudnnConvolutionBwdFilterAlgo_t algorithm,
    void* workspace, size_t workspace_bytes, const void* beta,
    const cudnnFilterDescriptor_t w_descriptor, void* w) {
  return convolve({handle, x_descriptor, w_descriptor, window, y_descriptor},
                  CudnnDirection::weight_gradient, algorithm, {alpha, beta},
                  {const_cast<void*>(x), w, const_cast<void*>(y), workspace}, workspace_bytes);
}
