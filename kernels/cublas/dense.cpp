// Dense layers and their gradients by cuBLASLt, which is column-major: a row-major matrix is its
// own transpose there, so c = a·b is asked for as cᵀ = bᵀ·aᵀ without moving anything.
//
//   dense                   yᵀ[O,B]  = wᵀ · xᵀ     bias and ReLU in the epilogue, drop-out after it
//   dense_input_gradient    dxᵀ[I,B] = w · dzᵀ
//   dense_weight_gradient   dwᵀ[O,I] = dzᵀ · x     db, the sum of dzᵀ over the batch, in the
//   epilogue
//                                                  (BGRADA) where an algorithm has it
//
// A configuration is the position of an algorithm in the heuristic's answer; the device's
// fingerprint holds the library's version, so that a recorded position keeps its meaning.
#include "kernels/dense.h"

#include <algorithm>

#include "engine/device/cuda/cuda_device.h"
#include "engine/tune/registry.h"
#include "kernels/cuda/launchers.h"

namespace engine {
namespace cuda {
namespace {

constexpr int kMostAlgorithms = 8;
constexpr std::size_t kMostWorkspace = std::size_t{32} << 20;

template <class Pointer, auto kDestroy>
struct Destroy {
  void operator()(Pointer pointer) const noexcept {
    if (!context_lost()) log_failure(kDestroy(pointer), "destroying a cuBLASLt descriptor");
  }
};
template <class Pointer, auto kDestroy>
using Descriptor = Handle<Pointer, Destroy<Pointer, kDestroy>>;
using MatmulDescriptor = Descriptor<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Descriptor<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Descriptor<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

template <class T>
void set(const MatmulDescriptor& descriptor, cublasLtMatmulDescAttributes_t attribute, T value) {
  ENGINE_CUDA_CHECK(
      cublasLtMatmulDescSetAttribute(descriptor.get(), attribute, &value, sizeof value));
}

/// `rows` x `columns`, column-major and dense.
Layout make_layout(std::int64_t rows, std::int64_t columns, cudaDataType type) {
  cublasLtMatrixLayout_t layout = nullptr;
  ENGINE_CUDA_CHECK(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows),
                                               static_cast<std::uint64_t>(columns), rows));
  return Layout(layout);
}

MatmulDescriptor make_descriptor(Math math, bool transpose_a, bool transpose_b,
                                 cublasLtEpilogue_t epilogue) {
  cublasLtMatmulDesc_t created = nullptr;
  const auto compute = math == Math::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  ENGINE_CUDA_CHECK(cublasLtMatmulDescCreate(&created, compute, CUDA_R_32F));
  MatmulDescriptor descriptor(created);
  set(descriptor, CUBLASLT_MATMUL_DESC_TRANSA, transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(descriptor, CUBLASLT_MATMUL_DESC_TRANSB, transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(descriptor, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  return descriptor;
}

cudaDataType type_of(const TensorType& type) {
  return type.dtype == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

/// Copies in bf16 of a problem's f32 operands, in the workspace behind the library's own: of the
/// weight, because cuBLASLt multiplies matrices of one type, and of the bias, which it wants in the
/// result's type.
struct NarrowCopies {
  bool weight = false, bias = false;
  std::size_t offset = 0, bias_offset = 0, end = 0;  ///< bytes in the workspace

  NarrowCopies(const Problem& problem, std::size_t library_bytes) {
    weight = multiplies_bfloat16(problem) && problem.op != "dense_weight_gradient";
    bias = problem.op == "dense" && problem.outputs[0].dtype == DType::bf16;
    offset = aligned(library_bytes);
    bias_offset = offset + (weight ? bytes_of(problem.inputs[1]) : 0);
    end = weight ? bias_offset + (bias ? bytes_of(problem.inputs[2]) : 0) : library_bytes;
  }

  const void* make(const LaunchArguments& launch, std::size_t input, std::size_t at) const {
    const TensorView& from = launch.inputs[input];
    auto* to = reinterpret_cast<bfloat16*>(static_cast<std::byte*>(launch.workspace) + at);
    launch_narrow(launch.stream, from.as<float>(), to, from.type.element_count());
    return to;
  }

 private:
  static std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }
  static std::size_t bytes_of(const TensorType& type) {
    return aligned(static_cast<std::size_t>(type.element_count()) * sizeof(bfloat16));
  }
};

/// One product in cuBLASLt's terms: which operands of the problem are its A, B and D.
class Product {
 public:
  Product(const Problem& problem, cublasLtEpilogue_t epilogue)
      : epilogue_(epilogue),
        descriptor_(make_descriptor(problem.math, problem.op == "dense_input_gradient",
                                    problem.op == "dense_weight_gradient", epilogue)) {
    const DenseExtents e = DenseExtents::of(problem);
    const bool forward = problem.op == "dense", weights = problem.op == "dense_weight_gradient";
    const cudaDataType in = type_of(problem.inputs[0]), out = type_of(problem.outputs[0]);
    a_ = make_layout(e.outputs, weights ? e.batch : e.inputs, in);
    b_ = make_layout(forward || weights ? e.inputs : e.outputs, e.batch, in);
    d_ = forward   ? make_layout(e.outputs, e.batch, out)
         : weights ? make_layout(e.outputs, e.inputs, out)
                   : make_layout(e.inputs, e.batch, out);
    // The heuristic reads the pointer's alignment: any aligned address stands for those to come.
    if (has_bias()) set_bias(reinterpret_cast<void*>(std::uintptr_t{256}));
  }

  bool has_bias() const { return epilogue_ != CUBLASLT_EPILOGUE_DEFAULT; }

  void set_bias(const void* bias) { set(descriptor_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias); }

  /// Algorithms for this product, the best guess first; empty when the library has none.
  std::vector<cublasLtMatmulHeuristicResult_t> algorithms(cublasLtHandle_t library) const {
    cublasLtMatmulPreference_t created = nullptr;
    ENGINE_CUDA_CHECK(cublasLtMatmulPreferenceCreate(&created));
    const Preference preference(created);
    ENGINE_CUDA_CHECK(cublasLtMatmulPreferenceSetAttribute(preference.get(),
                                                           CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                           &kMostWorkspace, sizeof kMostWorkspace));
    std::vector<cublasLtMatmulHeuristicResult_t> results(kMostAlgorithms);
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        library, descriptor_.get(), a_.get(), b_.get(), d_.get(), d_.get(), preference.get(),
        kMostAlgorithms, results.data(), &count);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "cublasLtMatmulAlgoGetHeuristic");
    results.resize(static_cast<std::size_t>(count));
    std::erase_if(results, [](const auto& r) { return r.state != CUBLAS_STATUS_SUCCESS; });
    return results;
  }

  void multiply(cublasLtHandle_t library, const void* a, const void* b, void* d,
                const cublasLtMatmulHeuristicResult_t& algorithm, void* workspace,
                cudaStream_t stream) const {
    const float one = 1, zero = 0;
    ENGINE_CUDA_CHECK(cublasLtMatmul(library, descriptor_.get(), &one, a, a_.get(), b, b_.get(),
                                     &zero, d, d_.get(), d, d_.get(), &algorithm.algo, workspace,
                                     algorithm.workspaceSize, stream));
  }

 private:
  cublasLtEpilogue_t epilogue_;
  MatmulDescriptor descriptor_;
  Layout a_, b_, d_;
};

struct Prepared {
  Product product;
  std::vector<cublasLtMatmulHeuristicResult_t> algorithms;
};

// Asks with the fused epilogue first, and for a weight gradient without it where there is none.
Prepared prepare_product(const Problem& problem, cublasLtHandle_t library) {
  auto epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  if (problem.op == "dense")
    epilogue = DenseAttributes::from(problem.attributes).activation == Activation::relu
                   ? CUBLASLT_EPILOGUE_RELU_BIAS
                   : CUBLASLT_EPILOGUE_BIAS;
  if (problem.op == "dense_weight_gradient") epilogue = CUBLASLT_EPILOGUE_BGRADA;
  Product product(problem, epilogue);
  auto algorithms = product.algorithms(library);
  if (algorithms.empty() && epilogue == CUBLASLT_EPILOGUE_BGRADA) {
    product = Product(problem, CUBLASLT_EPILOGUE_DEFAULT);
    algorithms = product.algorithms(library);
  }
  return {std::move(product), std::move(algorithms)};
}

class CublasKernel final : public Kernel {
 public:
  CublasKernel(const Problem& problem, cublasLtHandle_t library, Product product,
               const cublasLtMatmulHeuristicResult_t& algorithm)
      : op_(problem.op),
        extents_(DenseExtents::of(problem)),
        library_(library),
        product_(std::move(product)),
        algorithm_(algorithm),
        copies_(problem, algorithm.workspaceSize) {
    if (op_ == "dense") dropout_ = DenseAttributes::from(problem.attributes).dropout;
  }

  void launch(const LaunchArguments& arguments) override {
    const void* first = arguments.inputs[0].data;
    const void* second =
        copies_.weight ? copies_.make(arguments, 1, copies_.offset) : arguments.inputs[1].data;
    const TensorView& out = arguments.outputs[0];
    if (op_ == "dense")
      product_.set_bias(copies_.bias ? copies_.make(arguments, 2, copies_.bias_offset)
                                     : arguments.inputs[2].data);
    if (op_ == "dense_weight_gradient") prepare_bias_gradient(arguments);
    const auto stream = static_cast<cudaStream_t>(arguments.stream.native());
    product_.multiply(library_, second, first, out.data, algorithm_, arguments.workspace, stream);
    if (dropout_.rate == 0) return;
    out.type.dtype == DType::bf16 ? drop<bfloat16>(arguments) : drop<float>(arguments);
  }

 private:
  template <class T>
  void drop(const LaunchArguments& arguments) const {
    T* y = arguments.outputs[0].as<T>();
    launch_dropout(arguments.stream, dropout_, arguments.inputs[3].as<std::int64_t>(), y, y,
                   extents_.batch * extents_.outputs);
  }

  void prepare_bias_gradient(const LaunchArguments& arguments) {
    const TensorView& dz = arguments.inputs[1];
    auto* db = arguments.outputs[1].as<float>();
    const auto sum = [&](const auto* matrix) {
      launch_column_sums(arguments.stream, matrix, db, extents_.batch, extents_.outputs);
    };
    if (product_.has_bias())
      product_.set_bias(db);
    else
      dz.type.dtype == DType::bf16 ? sum(dz.as<bfloat16>()) : sum(dz.as<float>());
  }

  std::string op_;
  DenseExtents extents_;
  cublasLtHandle_t library_;
  Product product_;
  cublasLtMatmulHeuristicResult_t algorithm_;
  NarrowCopies copies_;
  DropoutAttributes dropout_;
};

class CublasDense final : public KernelCandidate {
 public:
  explicit CublasDense(std::string op) : op_(std::move(op)) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }

  // TF32 rounds operands to 10 bits of fraction: 2^-11 of each, 2^13 times the epsilon of f32.
  double error_factor(const Problem& problem) const override {
    return product_error_factor(problem) + (problem.math == Math::tf32 ? 2.0 * 8192 : 0.0);
  }

  Support query(const Problem& problem, Device& device) const override {
    const DenseExtents e = DenseExtents::of(problem);
    if (e.batch == 0 || e.inputs == 0 || e.outputs == 0) return Support::refuse("an extent is 0");
    const auto algorithms =
        prepare_product(problem, static_cast<CudaDevice&>(device).cublas()).algorithms;
    Support support;
    for (std::size_t i = 0; i < algorithms.size(); ++i)
      support.configurations.push_back(
          {name(i), NarrowCopies(problem, algorithms[i].workspaceSize).end, true});
    if (algorithms.empty()) support.refusal = "the library has no algorithm for this product";
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override {
    const cublasLtHandle_t library = static_cast<CudaDevice&>(device).cublas();
    Prepared prepared = prepare_product(problem, library);
    for (std::size_t i = 0; i < prepared.algorithms.size(); ++i)
      if (name(i) == configuration.name)
        return std::make_unique<CublasKernel>(problem, library, std::move(prepared.product),
                                              prepared.algorithms[i]);
    throw UsageError(op_ + ": cublaslt has no configuration '" + configuration.name + "'");
  }

 private:
  static std::string name(std::size_t index) { return "heuristic-" + std::to_string(index); }

  std::string op_;
  std::string backend_ = "cuda";
  std::string id_ = "cublaslt";
};

}  // namespace
}  // namespace cuda

void register_dense_cublas(CandidateRegistry& registry) {
  for (const char* op : {"dense", "dense_input_gradient", "dense_weight_gradient"})
    registry.add(std::make_unique<cuda::CublasDense>(op));
}

}  // namespace engine
