// Convolution through cuDNN's older API, an algorithm of its enumerations a configuration. The API
// is marked deprecated and present in 9.19; it reaches kernels (FFT, some of Winograd) that the
// graph API's heuristics do not offer.
//
// Algorithms are asked for their workspace instead of being found by cudnnFindConvolution*Ex:
// asking launches nothing, needs no operands and is open to query(); how fast each is, our own
// tuner times, captured as training runs them.
#include <array>

#include "kernels/cudnn/convolution.h"

namespace engine::cuda {
namespace {

CudnnDestroy<cudnnFilterDescriptor_t> destroy_filter() {
  return ENGINE_CUDNN(cudnnDestroyFilterDescriptor);
}
CudnnDestroy<cudnnConvolutionDescriptor_t> destroy_convolution() {
  return ENGINE_CUDNN(cudnnDestroyConvolutionDescriptor);
}
using FilterDescriptor = CudnnDescriptor<cudnnFilterDescriptor_t, destroy_filter>;
using ConvolutionDescriptor = CudnnDescriptor<cudnnConvolutionDescriptor_t, destroy_convolution>;

// refuse_convolution has bounded every extent.
std::vector<int> narrow(const std::vector<std::int64_t>& values) {
  return {values.begin(), values.end()};
}

TensorDescriptor describe(const CudnnTensor& tensor) {
  cudnnTensorDescriptor_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreateTensorDescriptor, &created);
  TensorDescriptor descriptor(created);
  ENGINE_CUDNN_CHECK(cudnnSetTensorNdDescriptor, created, tensor.type,
                     static_cast<int>(tensor.dims.size()), narrow(tensor.dims).data(),
                     narrow(tensor.strides).data());
  return descriptor;
}

FilterDescriptor describe_filter(const CudnnTensor& filter, bool channels_last) {
  cudnnFilterDescriptor_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreateFilterDescriptor, &created);
  FilterDescriptor descriptor(created);
  ENGINE_CUDNN_CHECK(cudnnSetFilterNdDescriptor, created, filter.type,
                     channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW,
                     static_cast<int>(filter.dims.size()), narrow(filter.dims).data());
  return descriptor;
}

ConvolutionDescriptor describe_convolution(const ConvolutionProblem& p, cudnnMathType_t math) {
  cudnnConvolutionDescriptor_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreateConvolutionDescriptor, &created);
  ConvolutionDescriptor descriptor(created);
  ENGINE_CUDNN_CHECK(cudnnSetConvolutionNdDescriptor, created, static_cast<int>(p.stride.size()),
                     narrow(p.padding).data(), narrow(p.stride).data(), narrow(p.dilation).data(),
                     CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
  ENGINE_CUDNN_CHECK(cudnnSetConvolutionGroupCount, created, static_cast<int>(p.geometry.groups));
  ENGINE_CUDNN_CHECK(cudnnSetConvolutionMathType, created, math);
  return descriptor;
}

struct Algorithm {
  int number;  ///< in the enumeration of its direction
  const char* name;
  bool deterministic = true;
};

const std::vector<Algorithm>& algorithms(Direction direction) {
  static const std::vector<Algorithm> forward{
      {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, "implicit_gemm"},
      {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, "implicit_precomp_gemm"},
      {CUDNN_CONVOLUTION_FWD_ALGO_GEMM, "gemm"},
      {CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, "direct"},
      {CUDNN_CONVOLUTION_FWD_ALGO_FFT, "fft"},
      {CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING, "fft_tiling"},
      {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, "winograd"},
      {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, "winograd_nonfused"}};
  static const std::vector<Algorithm> input{
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, "algo_0", false},
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, "algo_1"},
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, "fft"},
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, "fft_tiling"},
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, "winograd"},
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED, "winograd_nonfused"}};
  static const std::vector<Algorithm> weight{
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, "algo_0", false},
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, "algo_1"},
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, "fft"},
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, "algo_3", false},
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED, "winograd_nonfused"},
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, "fft_tiling"}};
  return direction == Direction::forward          ? forward
         : direction == Direction::input_gradient ? input
                                                  : weight;
}

struct MathType {
  cudnnMathType_t type;
  const char* suffix;
};

// FMA_MATH is the only one that forbids TF32. Where it is allowed, plain f32 may still win.
std::vector<MathType> math_types(const ConvolutionProblem& p) {
  if (p.bf16) return {{CUDNN_TENSOR_OP_MATH, ".tensor_op"}};
  std::vector<MathType> types{{CUDNN_FMA_MATH, ".fma"}};
  if (p.math == Math::tf32) types.push_back({CUDNN_DEFAULT_MATH, ".tf32"});
  return types;
}

class LegacyConvolution final : public LibraryConvolution {
 public:
  LegacyConvolution(const ConvolutionProblem& problem, int algorithm, cudnnMathType_t math)
      : direction_(problem.direction),
        algorithm_(algorithm),
        x_(describe(problem.x)),
        w_(describe_filter(problem.w, problem.channels_last())),
        y_(describe(problem.y)),
        convolution_(describe_convolution(problem, math)) {}

  /// Learns the bytes of workspace; false when the algorithm does not solve the problem.
  bool prepare(cudnnHandle_t handle) {
    if (direction_ == Direction::forward)
      return ENGINE_CUDNN_SUPPORTS(cudnnGetConvolutionForwardWorkspaceSize, handle, x_.get(),
                                   w_.get(), convolution_.get(), y_.get(),
                                   static_cast<cudnnConvolutionFwdAlgo_t>(algorithm_), &workspace_);
    if (direction_ == Direction::input_gradient)
      return ENGINE_CUDNN_SUPPORTS(cudnnGetConvolutionBackwardDataWorkspaceSize, handle, w_.get(),
                                   y_.get(), convolution_.get(), x_.get(),
                                   static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm_),
                                   &workspace_);
    return ENGINE_CUDNN_SUPPORTS(cudnnGetConvolutionBackwardFilterWorkspaceSize, handle, x_.get(),
                                 y_.get(), convolution_.get(), w_.get(),
                                 static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm_),
                                 &workspace_);
  }

  std::size_t workspace() const override { return workspace_; }

  void launch(cudnnHandle_t handle, const ConvolutionOperands& o, void* workspace) override {
    const float one = 1, zero = 0;
    switch (direction_) {
      case Direction::forward:
        ENGINE_CUDNN_CHECK(cudnnConvolutionForward, handle, &one, x_.get(), o.x, w_.get(), o.w,
                           convolution_.get(), static_cast<cudnnConvolutionFwdAlgo_t>(algorithm_),
                           workspace, workspace_, &zero, y_.get(), o.y);
        break;
      case Direction::input_gradient:
        ENGINE_CUDNN_CHECK(cudnnConvolutionBackwardData, handle, &one, w_.get(), o.w, y_.get(), o.y,
                           convolution_.get(),
                           static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm_), workspace,
                           workspace_, &zero, x_.get(), o.x);
        break;
      case Direction::weight_gradient:
        ENGINE_CUDNN_CHECK(cudnnConvolutionBackwardFilter, handle, &one, x_.get(), o.x, y_.get(),
                           o.y, convolution_.get(),
                           static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm_), workspace,
                           workspace_, &zero, w_.get(), o.w);
        break;
    }
  }

 private:
  Direction direction_;
  int algorithm_;
  TensorDescriptor x_;
  FilterDescriptor w_;
  TensorDescriptor y_;
  ConvolutionDescriptor convolution_;
  std::size_t workspace_ = 0;
};

class LegacyCandidate final : public CudnnConvolution {
 public:
  explicit LegacyCandidate(std::string op) : CudnnConvolution(std::move(op), "cudnn.legacy") {}

 private:
  // This API has one type for all three tensors.
  std::string refuse(const ConvolutionProblem& p) const override {
    if (p.x.type == p.w.type && p.x.type == p.y.type) return "";
    return "cuDNN's legacy API would round the f32 result to bf16";
  }

  void visit(const ConvolutionProblem& p, Device& device, const Visitor& visitor) const override {
    const cudnnHandle_t handle = CudnnHandle::of(device).get();
    for (const Algorithm& algorithm : algorithms(p.direction))
      for (const MathType& math : math_types(p)) {
        const std::string name = std::string(algorithm.name) + math.suffix;
        if (!visitor.wants(name)) continue;
        auto product = std::make_unique<LegacyConvolution>(p, algorithm.number, math.type);
        if (product->prepare(handle))
          visitor.take(name, algorithm.deterministic, std::move(product));
      }
  }
};

}  // namespace

std::unique_ptr<KernelCandidate> make_legacy_convolution(const std::string& op) {
  return std::make_unique<LegacyCandidate>(op);
}

}  // namespace engine::cuda
