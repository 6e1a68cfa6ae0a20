// Convolutions with 3 x 3 filters by Winograd's algorithm: inputs and filters are transformed into
// the workspace, multiplied there in one launch for all points, and the products transformed back.
//
// F(4 x 4) does a quarter of the multiplications, F(2 x 2) 4/9 of them at far smaller errors. They
// are candidates, not configurations of one, because bound and exactness are a candidate's.
#include "kernels/cuda/convolution_parts.h"
#include "kernels/cuda/convolution_winograd_shape.cuh"
#include "kernels/cuda/dense_product.cuh"
#include "kernels/cuda/product_plan.h"

namespace engine::cuda {
namespace {

/// Products of equal extents, one a point, along z.
struct PointProducts {
  Product product;  ///< of the first point
  std::int64_t a_stride, b_stride, c_stride;
  int summed;  ///< the point whose column sums are wanted
};

template <class T, Form kForm>
__global__ void __launch_bounds__(T::kThreads, T::kLeastBlocks)
    point_products_kernel(const PointProducts points) {
  Product p = points.product;
  const auto point = static_cast<std::int64_t>(blockIdx.z);
  p.a = static_cast<const float*>(p.a) + point * points.a_stride;
  p.b = static_cast<const float*>(p.b) + point * points.b_stride;
  p.c = static_cast<float*>(p.c) + point * points.c_stride;
  p.column_sums = point == points.summed ? p.column_sums + point * points.c_stride : nullptr;
  compute_share<T, false, kForm, true, false>(p);
}

struct Variant {
  const char* name;
  int m, n, threads;
  void (*channels_last)(PointProducts);
  void (*transposed)(PointProducts);
};

template <class T>
constexpr Variant variant(const char* name) {
  return {name,
          T::kM,
          T::kN,
          T::kThreads,
          point_products_kernel<T, Form::nn>,
          point_products_kernel<T, Form::tn>};
}

const Variant kVariants[] = {variant<Tile<64, 64, 1, 1>>("64x64"),
                             variant<Tile<32, 32, 1, 1>>("32x32"),
                             variant<Tile<128, 128, 2, 2>>("128x128")};
constexpr int kSplits[] = {1, 8};

struct Plan : SplitPlan<Variant> {
  std::int64_t tiles(const WinogradShape& s) const {
    return ceil_div<std::int64_t>(s.m, variant->m) * ceil_div<std::int64_t>(s.n, variant->n);
  }
  bool applies(const WinogradShape& s, int points) const {
    if (variant->m > 64 && (s.m <= 64 || s.n <= 64)) return false;
    return splits == 1 ||
           (s.weight && s.k >= 2 * kDepth * splits && tiles(s) * points * splits <= kManyBlocks);
  }
};

std::vector<Plan> plans_for(const WinogradShape& shape, int points) {
  return find_plans<Plan>(kVariants, kSplits,
                          [&](const Plan& plan) { return plan.applies(shape, points); });
}

template <class F>
class WinogradKernel final : public Kernel {
 public:
  WinogradKernel(const Problem& problem, const Plan& plan)
      : op_(problem.op), s_(problem, F::kTile), plan_(plan) {
    if (s_.forward) epilogue_ = DenseAttributes::from(problem.attributes);
  }

  void launch(const LaunchArguments& launch) override {
    constexpr int kPoints = F::kPoints * F::kPoints;
    auto* images = static_cast<float*>(launch.workspace);
    float* others = images + kPoints * s_.read_floats();
    float* products = others + kPoints * s_.others();
    transform_images(launch, launch.inputs[0],
                     s_.channels_inner ? point_matrix(images, s_.tiles, quads(s_.read))
                                       : point_matrix(images, s_.read, quads(s_.tiles)));
    if (s_.weight)
      transform_gradient(launch, point_matrix(others, s_.tiles, quads(s_.made)));
    else
      transform_filters(launch, point_matrix(others, s_.k, quads(s_.made)));
    multiply(launch, images, others, products);
    const PointMatrix result = point_matrix(products, s_.m + (s_.weight ? 1 : 0), s_.n);
    s_.weight ? finish_weights(launch, result) : finish_images(launch, result);
  }

 private:
  void transform_images(const LaunchArguments& launch, const TensorView& x,
                        const PointMatrix& to) const {
    const TiledImages images = s_.images_read();
    for_type(x, [&]<class T>(T) {
      run_points(op_.c_str(), transform_input_kernel<F, T>, to, launch.stream, images, x.as<T>(),
                 to);
    });
  }

  void transform_gradient(const LaunchArguments& launch, const PointMatrix& to) const {
    const TiledImages images = s_.images_made();
    const TensorView& dz = launch.inputs[1];
    for_type(dz, [&]<class T>(T) {
      run_points(op_.c_str(), transform_output_gradient_kernel<F, T>, to, launch.stream, images,
                 dz.as<T>(), to);
    });
  }

  void transform_filters(const LaunchArguments& launch, const PointMatrix& to) const {
    run_points(op_.c_str(), transform_filter_kernel<F>, to, launch.stream, s_.filters(),
               launch.inputs[1].as<float>(), !s_.forward, s_.bf16, to);
  }

  void multiply(const LaunchArguments& launch, const float* images, const float* others,
                float* products) const {
    constexpr int kPoints = F::kPoints * F::kPoints;
    PointProducts points{};
    points.a_stride = s_.read_floats();
    points.b_stride = s_.others();
    points.c_stride = s_.products();
    Product& p = points.product;
    p.a = images;
    p.b = others;
    if (!s_.channels_inner) {
      std::swap(p.a, p.b);
      std::swap(points.a_stride, points.b_stride);
    }
    p.c = products;
    p.m = static_cast<int>(s_.m);
    p.n = static_cast<int>(s_.n);
    p.k = static_cast<int>(s_.k);
    p.k_per_split = ceil_div(ceil_div(p.k, kDepth), plan_.splits) * kDepth;
    p.slice = kPoints * s_.products();
    p.vector_out = true;
    if (s_.weight) p.column_sums = products + s_.m * s_.n;
    points.summed = s_.weight ? F::kPoints + 1 : -1;
    const bool transposed = s_.weight || !s_.channels_inner;
    run(op_.c_str(), transposed ? plan_.variant->transposed : plan_.variant->channels_last,
        dim3(static_cast<unsigned>(plan_.tiles(s_)), static_cast<unsigned>(plan_.splits), kPoints),
        plan_.variant->threads, native_stream(launch.stream), points);
  }

  void finish_images(const LaunchArguments& launch, const PointMatrix& products) const {
    const TensorView& y = launch.outputs[0];
    const TiledImages images = s_.images_made();
    const ImageEpilogue epilogue =
        s_.forward ? ImageEpilogue::of(epilogue_, launch) : ImageEpilogue{};
    for_type(y, [&]<class T>(T) {
      run_points(op_.c_str(), transform_output_kernel<F, T>, products, launch.stream, products,
                 images, y.as<T>(), epilogue);
    });
  }

  void finish_weights(const LaunchArguments& launch, const PointMatrix& products) const {
    run_points(op_.c_str(), transform_filter_gradient_kernel<F>, products, launch.stream, products,
               plan_.splits, F::kPoints * F::kPoints * s_.products(), s_.filters(),
               launch.outputs[0].as<float>(), launch.outputs[1].as<float>());
  }

  std::string op_;
  WinogradShape s_;
  Plan plan_;
  DenseAttributes epilogue_;
};

template <class F>
class WinogradCandidate final : public ConvolutionCandidate {
 public:
  WinogradCandidate(std::string op, std::string id)
      : ConvolutionCandidate(std::move(op), std::move(id), 2) {}

  double error_factor(const Problem& problem) const override {
    const bool weight = problem.op == "convolution_weight_gradient";
    return convolution_error_factor(problem, amplification<F>(weight));
  }
  // Quarters are exact, twenty-fourths are not.
  Exactness exactness(const Problem&) const override {
    return F::kTile == 2 ? Exactness::integers : Exactness::multiples;
  }

  Support query(const Problem& problem, Device&) const override {
    const WinogradShape s(problem, F::kTile);
    if (std::string why = refuse_winograd(s); !why.empty()) return Support::refuse(why);
    Support support;
    for (const Plan& plan : plans_for(s, kPoints)) {
      const std::int64_t floats =
          kPoints * (s.read_floats() + s.others() + plan.splits * s.products());
      support.configurations.push_back(
          {plan.name(), static_cast<std::size_t>(floats) * sizeof(float), true});
    }
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    for (const Plan& plan : plans_for(WinogradShape(problem, F::kTile), kPoints))
      if (plan.name() == configuration.name)
        return std::make_unique<WinogradKernel<F>>(problem, plan);
    refuse_configuration(configuration);
  }

 private:
  static constexpr int kPoints = F::kPoints * F::kPoints;
};

}  // namespace

void register_winograd_convolution(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"}) {
    registry.add(std::make_unique<WinogradCandidate<Winograd<2>>>(op, "cuda.winograd_2x2"));
    registry.add(std::make_unique<WinogradCandidate<Winograd<4>>>(op, "cuda.winograd_4x4"));
  }
}

}  // namespace engine::cuda
