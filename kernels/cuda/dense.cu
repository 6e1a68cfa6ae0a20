// Dense layers and their gradients as hand-written products: a choice of tiles for large and small
// results, each alone or with the sum split over several blocks, for shapes that would leave most
// of the device idle otherwise.
#include "kernels/dense.h"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cuda/dense_product.cuh"
#include "kernels/cuda/launchers.h"
#include "kernels/cuda/product_plan.h"

namespace engine {
namespace cuda {
namespace {

using ProductKernel = void (*)(Product);

/// One tile size: a kernel for each form, without and with loads of four elements.
struct Variant {
  const char* name;
  int m, n, threads;
  bool bf16;
  ProductKernel kernels[3][2];
};

template <class T, bool kBf16>
constexpr Variant variant(const char* name) {
  return {name,
          T::kM,
          T::kN,
          T::kThreads,
          kBf16,
          {{product_kernel<T, kBf16, Form::nn, false>, product_kernel<T, kBf16, Form::nn, true>},
           {product_kernel<T, kBf16, Form::nt, false>, product_kernel<T, kBf16, Form::nt, true>},
           {product_kernel<T, kBf16, Form::tn, false>, product_kernel<T, kBf16, Form::tn, true>}}};
}

// Large products of bf16 are for tensor cores.
const Variant kVariants[] = {
    variant<Tile<64, 64, 1, 1>, false>("64x64"), variant<Tile<32, 32, 1, 1>, false>("32x32"),
    variant<Tile<128, 128, 2, 2>, false>("128x128"), variant<Tile<64, 64, 1, 1>, true>("64x64"),
    variant<Tile<32, 32, 1, 1>, true>("32x32")};
constexpr int kSplits[] = {1, 4, 16};

/// Adds up the slices of a split product, `kWidth` elements a thread.
struct SplitSum {
  const float* partial;
  int splits;
  std::int64_t slice;
  std::int64_t c_size;  ///< what follows in a slice are column sums
  void* c;
  bool bf16_out;
  float* column_sums;
  int n;
  Epilogue epilogue;

  __device__ void store(std::int64_t element, float value) const {
    if (bf16_out)
      static_cast<bfloat16*>(c)[element] = bfloat16(value);
    else
      static_cast<float*>(c)[element] = value;
  }
  __device__ void store(std::int64_t element, float4 values) const {
    if (bf16_out)
      store_floats(static_cast<bfloat16*>(c) + element, values);
    else
      store_floats(static_cast<float*>(c) + element, values);
  }
};

__device__ float plus(float a, float b) {
  return a + b;
}
__device__ float4 plus(float4 a, float4 b) {
  return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

template <class Item>
__global__ void add_splits_kernel(const SplitSum s) {
  const std::int64_t first = global_thread() * static_cast<int>(sizeof(Item) / sizeof(float));
  if (first >= s.slice) return;
  Item sum = *reinterpret_cast<const Item*>(s.partial + first);
  for (int split = 1; split < s.splits; ++split)
    sum = plus(sum, *reinterpret_cast<const Item*>(s.partial + split * s.slice + first));
  if (first < s.c_size)
    s.store(first, s.epilogue.apply(sum, first % s.n, first));
  else
    *reinterpret_cast<Item*>(s.column_sums + (first - s.c_size)) = sum;
}

void run_add_splits(const char* name, const SplitSum& sum, bool vector, cudaStream_t stream) {
  constexpr int kThreads = 128;
  const std::int64_t threads = vector ? sum.slice / 4 : sum.slice;
  run(name, vector ? add_splits_kernel<float4> : add_splits_kernel<float>,
      dim3(static_cast<unsigned>(ceil_div<std::int64_t>(threads, kThreads))), kThreads, stream,
      sum);
}

/// A problem as a product: extents of the result and of the sum.
struct Extents {
  Form form;
  bool bf16;
  std::int64_t m, n, k;

  static Extents of(const Problem& problem) {
    const DenseExtents e = DenseExtents::of(problem);
    const bool bf16 = multiplies_bfloat16(problem);
    if (problem.op == "dense") return {Form::nn, bf16, e.batch, e.outputs, e.inputs};
    if (problem.op == "dense_input_gradient") return {Form::nt, bf16, e.batch, e.inputs, e.outputs};
    return {Form::tn, bf16, e.inputs, e.outputs, e.batch};
  }
  /// Elements of one split's partial sums: c, and below it the column sums.
  std::int64_t slice() const { return (m + (form == Form::tn ? 1 : 0)) * n; }
  /// Extents along which the operands are contiguous, all of which loads of four must divide.
  bool loads_quads() const {
    return (form == Form::tn ? m : k) % 4 == 0 && (form == Form::nt ? k : n) % 4 == 0;
  }
};

struct Plan : SplitPlan<Variant> {
  std::size_t workspace(const Extents& extents) const {
    return splits == 1 ? 0 : static_cast<std::size_t>(splits * extents.slice()) * sizeof(float);
  }
  // Column sums are wanted even of a result without rows.
  std::int64_t tiles(const Extents& extents) const {
    const std::int64_t rows = ceil_div<std::int64_t>(extents.m, variant->m);
    return (extents.form == Form::tn ? std::max<std::int64_t>(rows, 1) : rows) *
           ceil_div<std::int64_t>(extents.n, variant->n);
  }
  bool applies(const Extents& extents) const {
    if (variant->bf16 != extents.bf16) return false;
    const bool fits = variant->m <= 64 || (extents.m > 64 && extents.n > 64);
    return fits && (splits == 1 ||
                    (extents.k >= 2 * kDepth * splits && tiles(extents) * splits <= kManyBlocks));
  }
};

std::vector<Plan> plans_for(const Extents& extents) {
  return find_plans<Plan>(kVariants, kSplits,
                          [&](const Plan& plan) { return plan.applies(extents); });
}

/// The operands of a launch, by the roles they have in the product.
Product bind(const Extents& extents, const LaunchArguments& launch, const DenseAttributes& dense) {
  Product p{};
  p.a = launch.inputs[0].data;
  p.b = launch.inputs[1].data;
  p.c = launch.outputs[0].data;
  p.bf16_out = launch.outputs[0].type.dtype == DType::bf16;
  p.m = static_cast<int>(extents.m);
  p.n = static_cast<int>(extents.n);
  p.k = static_cast<int>(extents.k);
  if (extents.form == Form::tn) p.column_sums = launch.outputs[1].as<float>();
  if (extents.form != Form::nn) return p;
  p.epilogue.bias = launch.inputs[2].as<float>();
  p.epilogue.relu = dense.activation == Activation::relu;
  if (dense.dropout.rate > 0)
    p.epilogue.dropout = DropoutMask::of(dense.dropout, launch.inputs[3].as<std::int64_t>());
  return p;
}

class TiledKernel final : public Kernel {
 public:
  TiledKernel(const Problem& problem, const Plan& plan)
      : op_(problem.op), extents_(Extents::of(problem)), plan_(plan) {
    if (extents_.form == Form::nn) dense_ = DenseAttributes::from(problem.attributes);
  }

  void launch(const LaunchArguments& arguments) override {
    const cudaStream_t stream = native_stream(arguments.stream);
    Product p = bind(extents_, arguments, dense_);
    p.k_per_split = ceil_div(ceil_div(p.k, kDepth), plan_.splits) * kDepth;
    p.vector_out = p.n % 4 == 0 && is_aligned_for_floats(p.c) &&
                   is_aligned_for_4(p.epilogue.bias) && is_aligned_for_4(p.column_sums);
    if (plan_.splits == 1) {
      run_product(p, stream);
      if (p.epilogue.dropout.step != nullptr && !p.vector_out) drop(p, arguments.stream);
      return;
    }
    auto* partial = static_cast<float*>(arguments.workspace);
    const std::int64_t c_size = extents_.m * extents_.n;
    const SplitSum sum{partial,       plan_.splits, extents_.slice(), c_size, p.c, p.bf16_out,
                       p.column_sums, p.n,          p.epilogue};
    p.slice = extents_.slice();
    p.c = partial;
    p.bf16_out = false;
    p.epilogue = {};
    if (p.column_sums != nullptr) p.column_sums = partial + c_size;
    run_product(p, stream);
    run_add_splits(op_.c_str(), sum, p.vector_out, stream);
  }

 private:
  static bool is_aligned_for_floats(const void* pointer) {
    return is_aligned_for_4(static_cast<const float*>(pointer));
  }

  void drop(const Product& p, Stream& stream) const {
    const std::int64_t count = extents_.m * extents_.n;
    const auto launch = [&](auto* y) {
      launch_dropout(stream, dense_.dropout, p.epilogue.dropout.step, y, y, count);
    };
    p.bf16_out ? launch(static_cast<bfloat16*>(p.c)) : launch(static_cast<float*>(p.c));
  }

  void run_product(const Product& p, cudaStream_t stream) const {
    const bool vector =
        extents_.loads_quads() && is_aligned_for_floats(p.a) && is_aligned_for_floats(p.b);
    run(op_.c_str(), plan_.variant->kernels[static_cast<int>(extents_.form)][vector],
        dim3(static_cast<unsigned>(plan_.tiles(extents_)), static_cast<unsigned>(plan_.splits)),
        plan_.variant->threads, stream, p);
  }

  std::string op_;
  Extents extents_;
  Plan plan_;
  DenseAttributes dense_;
};

class TiledDense final : public KernelCandidate {
 public:
  explicit TiledDense(std::string op) : op_(std::move(op)) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return product_error_factor(problem);
  }

  Support query(const Problem& problem, Device&) const override {
    const Extents extents = Extents::of(problem);
    // Padding of the last tile must not overflow either.
    if (std::max({extents.m, extents.n, extents.k}) > INT32_MAX - 1024)
      return Support::refuse("an extent does not fit 32 bits");
    Support support;
    for (const Plan& plan : plans_for(extents))
      support.configurations.push_back({plan.name(), plan.workspace(extents), true});
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    for (const Plan& plan : plans_for(Extents::of(problem)))
      if (plan.name() == configuration.name) return std::make_unique<TiledKernel>(problem, plan);
    throw UsageError(op_ + ": cuda.tiled has no configuration '" + configuration.name + "'");
  }

 private:
  std::string op_;
  std::string backend_ = "cuda";
  std::string id_ = "cuda.tiled";
};

// A block sums 32 columns: its warps take rows in turn, and their sums are added in order.
constexpr int kSumWarps = 16;

template <class T>
__global__ void column_sums_kernel(const T* matrix, float* sums, std::int64_t rows,
                                   std::int64_t columns) {
  ENGINE_SHARED(float, partial, [kSumWarps][kWarp]);
  const int lane = static_cast<int>(threadIdx.x) % kWarp,
            warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kWarp + lane;
  float sum = 0;
  if (column < columns)
    for (std::int64_t row = warp; row < rows; row += kSumWarps)
      sum += static_cast<float>(matrix[row * columns + column]);
  partial[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || column >= columns) return;
  for (int other = 1; other < kSumWarps; ++other) sum += partial[other][lane];
  sums[column] = sum;
}

template <class T>
void run_column_sums(Stream& stream, const T* matrix, float* sums, std::int64_t rows,
                     std::int64_t columns) {
  run("column_sums", column_sums_kernel<T>,
      dim3(static_cast<unsigned>(ceil_div<std::int64_t>(columns, kWarp))), kSumWarps * kWarp,
      native_stream(stream), matrix, sums, rows, columns);
}

}  // namespace

void launch_column_sums(Stream& stream, const float* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns) {
  run_column_sums(stream, matrix, sums, rows, columns);
}

void launch_column_sums(Stream& stream, const bfloat16* matrix, float* sums, std::int64_t rows,
                        std::int64_t columns) {
  run_column_sums(stream, matrix, sums, rows, columns);
}

}  // namespace cuda

void register_dense_cuda(CandidateRegistry& registry) {
  for (const char* op : {"dense", "dense_input_gradient", "dense_weight_gradient"})
    registry.add(std::make_unique<cuda::TiledDense>(op));
}

}  // namespace engine
