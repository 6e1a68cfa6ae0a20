// Convolutions with 3 x 3 filters by Winograd's algorithm: inputs and filters are transformed into
// the workspace, multiplied there in one launch for all points, and the products transformed back.
//
// F(4 x 4) does a quarter of the multiplications, F(2 x 2) 4/9 of them at far smaller errors. They
// are candidates, not configurations of one, because bound and exactness are a candidate's.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/convolution_parts.h"
#include "kernels/cuda/convolution_winograd.cuh"
#include "kernels/cuda/dense_product.cuh"
#include "kernels/cuda/images.cuh"

namespace engine::cuda {
namespace {

constexpr int kThreads = 128;  // of the transforms

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
constexpr std::int64_t kManyBlocks = 1024;  // beyond which splitting further cannot help

/// Row sums of the absolute values of the matrix that kMultiply stands for.
template <auto kMultiply, int kIn, int kOut>
struct MatrixOf {
  double entry[kOut][kIn], sum[kOut] = {};

  MatrixOf() {
    for (int j = 0; j < kIn; ++j) {
      float unit[kIn] = {}, column[kOut];
      unit[j] = 1;
      kMultiply(unit, column);
      for (int i = 0; i < kOut; ++i) {
        entry[i][j] = std::abs(static_cast<double>(column[i]));
        sum[i] += entry[i][j];
      }
    }
  }
};

/// What transforms multiply rounding errors by, per dimension: with elements of one magnitude, a
/// result is made of Σ_p |last[i][p]| · sum of |first[p]| · sum of |second[p]| of it, in place of
/// the `terms` of the definition.
template <class Last, class First, class Second>
double amplify(const Last& last, const First& first, const Second& second, int terms) {
  double most = 0;
  for (const auto& row : last.entry) {
    double sum = 0;
    for (std::size_t p = 0; p < std::size(row); ++p) sum += row[p] * first.sum[p] * second.sum[p];
    most = std::max(most, sum / terms);
  }
  return most;
}

template <class F>
double amplification(bool weight) {
  constexpr int kPoints = F::kPoints, kTile = F::kTile;
  const MatrixOf<F::input, kPoints, kPoints> input;
  const double one = weight ? amplify(MatrixOf<F::filter_gradient, kPoints, 3>(), input,
                                      MatrixOf<F::output_gradient, kTile, kPoints>(), kTile)
                            : amplify(MatrixOf<F::output, kPoints, kTile>(), input,
                                      MatrixOf<F::filter, 3, kPoints>(), 3);
  return one * one;
}

std::int64_t quads(std::int64_t extent) {
  return ceil_div<std::int64_t>(extent, 4) * 4;
}

/// A problem as products: what is read and written, and the extents that come of it.
struct Shape {
  ConvolutionGeometry g;
  bool weight, forward, bf16;
  std::int64_t tile_rows, tile_columns, tiles;
  std::int64_t read, made;  ///< channels; of the weight gradient: both are read
  bool channels_inner;
  std::int64_t m, n, k;

  Shape(const Problem& problem, int tile)
      : g(ConvolutionGeometry::of(problem)),
        weight(problem.op == "convolution_weight_gradient"),
        forward(problem.op == "convolution"),
        bf16(multiplies_bfloat16(problem)) {
    const Extents3& made_extents = weight || forward ? g.output : g.input;
    tile_rows = ceil_div<std::int64_t>(made_extents[1], tile);
    tile_columns = ceil_div<std::int64_t>(made_extents[2], tile);
    tiles = g.batch * tile_rows * tile_columns;
    read = weight || forward ? g.inputs : g.outputs;
    made = weight || forward ? g.outputs : g.inputs;
    channels_inner = weight || g.layout == Layout::channels_last;
    m = weight ? quads(read) : channels_inner ? tiles : quads(made);
    n = channels_inner ? quads(made) : quads(tiles);
    k = weight ? tiles : channels_inner ? quads(read) : read;
  }

  // Of one point, in floats.
  std::int64_t images() const { return channels_inner ? tiles * quads(read) : read * quads(tiles); }
  std::int64_t others() const { return weight ? tiles * quads(made) : k * quads(made); }
  std::int64_t products() const { return (m + (weight ? 1 : 0)) * n; }
};

struct Plan {
  const Variant* variant;
  int splits;

  std::string name() const {
    return splits == 1 ? variant->name : variant->name + ("/k" + std::to_string(splits));
  }
  std::int64_t tiles(const Shape& s) const {
    return ceil_div<std::int64_t>(s.m, variant->m) * ceil_div<std::int64_t>(s.n, variant->n);
  }
  bool applies(const Shape& s, int points) const {
    if (variant->m > 64 && (s.m <= 64 || s.n <= 64)) return false;
    return splits == 1 ||
           (s.weight && s.k >= 2 * kDepth * splits && tiles(s) * points * splits <= kManyBlocks);
  }
};

std::vector<Plan> plans_for(const Shape& shape, int points) {
  std::vector<Plan> plans;
  for (int splits : kSplits)
    for (const Variant& variant : kVariants)
      if (const Plan plan{&variant, splits}; plan.applies(shape, points)) plans.push_back(plan);
  return plans;
}

PointMatrix point_matrix(float* data, std::int64_t outer, std::int64_t inner) {
  return {data, static_cast<int>(outer), static_cast<int>(inner),
          Divisor(std::max<std::int64_t>(inner, 1)), outer * inner};
}

template <class... Parameters, class... Arguments>
void run_points(const char* name, void (*kernel)(Parameters...), const PointMatrix& matrix,
                Stream& stream, const Arguments&... arguments) {
  const std::int64_t threads = static_cast<std::int64_t>(matrix.outer) * matrix.inner;
  run(name, kernel, dim3(static_cast<unsigned>(ceil_div<std::int64_t>(threads, kThreads))),
      kThreads, native_stream(stream), arguments...);
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
    float* others = images + kPoints * s_.images();
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
  // Images of `channels`, cut into the tiles of the result, which begin `margin` before them.
  TiledImages tiled(const Extents3& extents, std::int64_t channels, std::int64_t row_margin,
                    std::int64_t column_margin) const {
    const ImageStrides strides = ImageStrides::of(s_.g.layout, channels, extents);
    TiledImages t{};
    t.channels_inner = s_.channels_inner;
    t.tiles = static_cast<int>(s_.tiles);
    t.channels = static_cast<int>(channels);
    t.grid = Grid4(1, s_.tile_rows, s_.tile_columns);
    t.begin[0] = static_cast<int>(-row_margin);
    t.begin[1] = static_cast<int>(-column_margin);
    for (std::size_t d = 0; d < 2; ++d) {
      t.extent[d] = static_cast<int>(extents[d + 1]);
      t.stride[d] = strides.spatial[d + 1];
    }
    t.sample_stride = strides.sample;
    t.channel_stride = strides.channel;
    return t;
  }

  /// Calls run(T{}) for what images are stored as.
  template <class Run>
  static void for_type(const TensorView& images, const Run& run) {
    images.type.dtype == DType::bf16 ? run(bfloat16()) : run(float());
  }

  void transform_images(const LaunchArguments& launch, const TensorView& x,
                        const PointMatrix& to) const {
    // The window over dy of a filter turned around starts 2 - padding before.
    const auto& padding = s_.g.window.padding_before;
    const bool gradient = !s_.weight && !s_.forward;
    const TiledImages images =
        tiled(gradient ? s_.g.output : s_.g.input, s_.read, gradient ? 2 - padding[1] : padding[1],
              gradient ? 2 - padding[2] : padding[2]);
    for_type(x, [&]<class T>(T) {
      run_points(op_.c_str(), transform_input_kernel<F, T>, to, launch.stream, images, x.as<T>(),
                 to);
    });
  }

  void transform_gradient(const LaunchArguments& launch, const PointMatrix& to) const {
    const TiledImages images = tiled(s_.g.output, s_.made, 0, 0);
    const TensorView& dz = launch.inputs[1];
    for_type(dz, [&]<class T>(T) {
      run_points(op_.c_str(), transform_output_gradient_kernel<F, T>, to, launch.stream, images,
                 dz.as<T>(), to);
    });
  }

  /// The filters as they enter the product: rows of channels read, columns of channels made.
  FilterMatrix filters() const {
    const std::int64_t output = 9 * s_.g.inputs, input = 9;
    const bool gradient = !s_.weight && !s_.forward;
    return {static_cast<int>(s_.read), static_cast<int>(s_.made), gradient ? output : input,
            gradient ? input : output};
  }

  void transform_filters(const LaunchArguments& launch, const PointMatrix& to) const {
    run_points(op_.c_str(), transform_filter_kernel<F>, to, launch.stream, filters(),
               launch.inputs[1].as<float>(), !s_.forward, s_.bf16, to);
  }

  void multiply(const LaunchArguments& launch, const float* images, const float* others,
                float* products) const {
    constexpr int kPoints = F::kPoints * F::kPoints;
    PointProducts points{};
    points.a_stride = s_.images();
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
    const TiledImages images = tiled(s_.forward ? s_.g.output : s_.g.input, s_.made, 0, 0);
    ImageEpilogue epilogue{};
    epilogue.channels = images.channels;
    if (s_.forward) {
      const auto operands = EpilogueOperands::of(epilogue_, launch);
      epilogue.bias = operands.bias;
      epilogue.relu = operands.relu;
      if (operands.step != nullptr)
        epilogue.dropout = DropoutMask::of(epilogue_.dropout, operands.step);
    }
    for_type(y, [&]<class T>(T) {
      run_points(op_.c_str(), transform_output_kernel<F, T>, products, launch.stream, products,
                 images, y.as<T>(), epilogue);
    });
  }

  void finish_weights(const LaunchArguments& launch, const PointMatrix& products) const {
    run_points(op_.c_str(), transform_filter_gradient_kernel<F>, products, launch.stream, products,
               plan_.splits, F::kPoints * F::kPoints * s_.products(), filters(),
               launch.outputs[0].as<float>(), launch.outputs[1].as<float>());
  }

  std::string op_;
  Shape s_;
  Plan plan_;
  DenseAttributes epilogue_;
};

std::string refuse(const Shape& s) {
  const ConvolutionGeometry& g = s.g;
  const WindowAttributes& window = g.window;
  if (g.filter != Extents3{1, 3, 3} || g.input[0] != 1 || g.output[0] != 1)
    return "the filter is not 3x3 over two dimensions";
  if (window.stride[1] != 1 || window.stride[2] != 1) return "a stride";
  if (window.dilation[1] != 1 || window.dilation[2] != 1) return "a dilated filter";
  if (g.groups != 1) return "several groups";
  if (std::string why = refuse_huge_convolution(g); !why.empty()) return why;
  if (std::max({s.images(), s.others(), s.products(), s.tiles}) > INT32_MAX - 1024)
    return "transformed tensors too large for 32-bit indices";
  return "";
}

template <class F>
class Winograd final : public KernelCandidate {
 public:
  Winograd(std::string op, std::string id) : op_(std::move(op)), id_(std::move(id)) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    const bool weight = problem.op == "convolution_weight_gradient";
    return convolution_error_factor(problem, amplification<F>(weight));
  }
  // Quarters are exact, twenty-fourths are not.
  Exactness exactness(const Problem&) const override {
    return F::kTile == 2 ? Exactness::integers : Exactness::multiples;
  }

  Support query(const Problem& problem, Device&) const override {
    const Shape s(problem, F::kTile);
    if (std::string why = refuse(s); !why.empty()) return Support::refuse(why);
    Support support;
    for (const Plan& plan : plans_for(s, kPoints)) {
      const std::int64_t floats = kPoints * (s.images() + s.others() + plan.splits * s.products());
      support.configurations.push_back(
          {plan.name(), static_cast<std::size_t>(floats) * sizeof(float), true});
    }
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    for (const Plan& plan : plans_for(Shape(problem, F::kTile), kPoints))
      if (plan.name() == configuration.name)
        return std::make_unique<WinogradKernel<F>>(problem, plan);
    throw UsageError(op_ + ": " + id_ + " has no configuration '" + configuration.name + "'");
  }

 private:
  static constexpr int kPoints = F::kPoints * F::kPoints;
  std::string op_;
  std::string id_;
  std::string backend_ = "cuda";
};

}  // namespace

void register_winograd_convolution(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"}) {
    registry.add(std::make_unique<Winograd<Winograd2>>(op, "cuda.winograd_2x2"));
    registry.add(std::make_unique<Winograd<Winograd4>>(op, "cuda.winograd_4x4"));
  }
}

}  // namespace engine::cuda
