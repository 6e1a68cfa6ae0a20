// Convolution and its gradients as implicit matrix products, for any geometry. Filters are packed
// into the workspace at each launch, [group][tap][channel] with channels padded to quads, so that
// the product reads them like any row-major matrix.
//
// The input gradient is a gather: position s of dx takes part in the sums of positions p of y with
// p · stride + r · dilation - padding = s. Positions with equal remainders modulo the strides have
// the same taps r, every dilation-th of which the others lack; so each class of remainders is a
// correlation of stride 1 of its own, without a product that is not in the definition.
//
// The weight gradient sums over the positions of all samples, in splits that a second kernel adds
// up in order while it unpacks them; db comes from the column sums of the same product.
#include "kernels/convolution.h"

#include <algorithm>
#include <numeric>

#include "engine/tune/registry.h"
#include "kernels/cuda/convolution_parts.h"
#include "kernels/cuda/convolution_product.cuh"
#include "kernels/cuda/images.cuh"
#include "kernels/cuda/launchers.h"

namespace engine {
namespace cuda {
namespace {

constexpr int kThreads = 128;  // of the kernels beside the products
constexpr int kAccesses = 3;

/// One tile size: a kernel for each way to read the images.
struct Variant {
  const char* name;
  int m, n, threads;
  bool bf16;
  void (*correlation[kAccesses])(Correlation);
  void (*weight[kAccesses])(WeightProduct);
};

template <class T, class E>
constexpr Variant variant(const char* name) {
  constexpr bool bf16 = std::is_same_v<E, Plain<bfloat16>>;
  return {name,
          T::kM,
          T::kN,
          T::kThreads,
          bf16,
          {correlation_kernel<T, E, Access::channel_quads>,
           correlation_kernel<T, E, Access::channels>, correlation_kernel<T, E, Access::planes>},
          {weight_kernel<T, E, Access::channel_quads>, weight_kernel<T, E, Access::channels>,
           weight_kernel<T, E, Access::planes>}};
}

// Large products of bf16 are for tensor cores.
const Variant kVariants[] = {
    variant<Tile<64, 64, 1, 1>, Plain<float>>("64x64"),
    variant<Tile<32, 32, 1, 1>, Plain<float>>("32x32"),
    variant<Tile<128, 128, 2, 2>, Plain<float>>("128x128"),
    variant<Tile<64, 64, 1, 1>, Plain<bfloat16>>("64x64"),
    variant<Tile<32, 32, 1, 1>, Plain<bfloat16>>("32x32"),
};
constexpr int kSplits[] = {1, 8, 64};
constexpr std::int64_t kManyBlocks = 1024;  // beyond which splitting further cannot help

struct PackedFilters {
  const float* w;
  float* out;  // [group][row][stride]
  bool round;  // to bf16
  int rows, columns, stride;
  Divisor by_stride;
  Grid4 taps;  // (j, c) of a row
  std::int64_t group_stride, row_channel_stride, column_stride;
  std::int64_t first_tap, tap_step[3];  // in elements of w

  __device__ float at(int row, int column, std::int64_t group) const {
    const Grid4::Place p = taps.place(row);
    const float value =
        w[group * group_stride + first_tap + p.outer * tap_step[0] + p.at[0] * tap_step[1] +
          p.at[1] * tap_step[2] + p.at[2] * row_channel_stride + column * column_stride];
    return round ? static_cast<float>(bfloat16(value)) : value;
  }
};

__global__ void pack_filters_kernel(const PackedFilters f) {
  const std::int64_t index = global_thread();
  const int size = f.rows * f.stride;
  if (index >= size) return;
  int column = static_cast<int>(index);
  const int row = f.by_stride.split(column);
  const auto group = static_cast<std::int64_t>(blockIdx.z);
  f.out[group * size + index] = column < f.columns ? f.at(row, column, group) : 0.0f;
}

struct WeightSum {
  const float* partial;
  int splits;
  std::int64_t slice;
  int rows, columns;  // rows of taps; one more of sums of dz
  Divisor by_columns, group_inputs;
  std::int64_t filter_positions;
  float *dw, *db;
};

__global__ void add_weight_splits_kernel(const WeightSum s) {
  const int size = (s.rows + 1) * s.columns;
  const std::int64_t index = global_thread();
  if (index >= size) return;
  const auto group = static_cast<std::int64_t>(blockIdx.z);
  const float* in = s.partial + group * size + index;
  float sum = *in;
  for (int split = 1; split < s.splits; ++split) sum += in[split * s.slice];
  int column = static_cast<int>(index);
  int row = s.by_columns.split(column);
  const std::int64_t channel = group * s.columns + column;
  if (row == s.rows) {
    s.db[channel] = sum;
    return;
  }
  const int tap = s.group_inputs.split(row);
  s.dw[(channel * s.group_inputs.divisor() + row) * s.filter_positions + tap] = sum;
}

dim3 group_grid(std::int64_t items, std::int64_t groups) {
  return dim3(static_cast<unsigned>(ceil_div<std::int64_t>(items, kThreads)), 1,
              static_cast<unsigned>(groups));
}

std::int64_t quads(std::int64_t channels) {
  return ceil_div<std::int64_t>(channels, 4) * 4;
}

/// One class of the positions of a result that a correlation computes: of all of them, or of an
/// input gradient's with the same remainders. Result position = first + t · step.
struct CorrelationClass {
  Extents3 first{0, 0, 0}, step{1, 1, 1};
  Extents3 positions;                       // t
  Extents3 taps;                            // j
  Extents3 first_tap{0, 0, 0}, tap_step{};  // r = first_tap + j · tap_step
  Extents3 begin, walk{}, tap_walk{};       // x's coordinate = begin + t · walk + j · tap_walk

  std::int64_t tap_count() const { return taps[0] * taps[1] * taps[2]; }
  std::int64_t position_count() const { return positions[0] * positions[1] * positions[2]; }
};

CorrelationClass forward_class(const ConvolutionGeometry& g) {
  CorrelationClass c;
  c.positions = g.output;
  c.taps = g.filter;
  c.tap_step = {1, 1, 1};
  for (std::size_t d = 0; d < 3; ++d) c.begin[d] = -g.window.padding_before[d];
  c.walk = g.window.stride;
  c.tap_walk = g.window.dilation;
  return c;
}

// Of dimension d, positions s = remainder + t · stride of dx: with the first tap r for which
// s + padding - r · dilation is a multiple of the stride, and every (stride / gcd)-th from there.
void set_gradient_class(CorrelationClass& c, const ConvolutionGeometry& g, std::size_t d,
                        std::int64_t remainder) {
  const std::int64_t stride = g.window.stride[d], dilation = g.window.dilation[d];
  const std::int64_t at = remainder + g.window.padding_before[d];
  c.first[d] = remainder;
  c.step[d] = stride;
  c.positions[d] = remainder < g.input[d] ? ceil_div(g.input[d] - remainder, stride) : 0;
  c.tap_step[d] = stride / std::gcd(stride, dilation);
  std::int64_t tap = 0;
  while (tap < c.tap_step[d] && (at - tap * dilation) % stride != 0) ++tap;
  const bool found = tap < std::min(c.tap_step[d], g.filter[d]);
  c.first_tap[d] = found ? tap : 0;
  c.taps[d] = found ? ceil_div(g.filter[d] - tap, c.tap_step[d]) : 0;
  c.begin[d] = found ? (at - tap * dilation) / stride : 0;
  c.walk[d] = 1;
  c.tap_walk[d] = -(dilation * c.tap_step[d] / stride);
}

std::vector<CorrelationClass> gradient_classes(const ConvolutionGeometry& g) {
  std::vector<CorrelationClass> classes;
  const Extents3& stride = g.window.stride;
  for (std::int64_t i = 0; i < stride[0] * stride[1] * stride[2]; ++i) {
    CorrelationClass c;
    set_gradient_class(c, g, 0, i / stride[2] / stride[1]);
    set_gradient_class(c, g, 1, i / stride[2] % stride[1]);
    set_gradient_class(c, g, 2, i % stride[2]);
    if (c.position_count() > 0) classes.push_back(c);
  }
  return classes;
}

Windows make_windows(const CorrelationClass& c, Layout layout, std::int64_t channels,
                     std::int64_t group_channels, const Extents3& extents) {
  const ImageStrides strides = ImageStrides::of(layout, channels, extents);
  Windows w{};
  w.sample_stride = strides.sample;
  w.channel_stride = strides.channel;
  w.group_stride = group_channels * strides.channel;
  w.positions = Grid4(c.positions[0], c.positions[1], c.positions[2]);
  w.taps = Grid4(c.taps[1], c.taps[2], group_channels);
  for (std::size_t d = 0; d < 3; ++d) {
    w.extent[d] = static_cast<int>(extents[d]);
    w.stride[d] = strides.spatial[d];
    w.begin[d] = static_cast<int>(c.begin[d]);
    w.step[d] = static_cast<int>(c.walk[d]);
    w.tap_step[d] = static_cast<int>(c.tap_walk[d]);
  }
  return w;
}

template <class T>
bool quads_fit(const void* pointer) {
  return is_aligned_for_4(static_cast<const T*>(pointer));
}
bool quads_fit(const TensorView& view) {
  return view.type.dtype == DType::bf16 ? quads_fit<bfloat16>(view.data)
                                        : quads_fit<float>(view.data);
}

/// How to read images of `group_channels` channels a group.
Access access_of(const TensorView& images, std::int64_t group_channels) {
  if (images.type.layout == Layout::row_major) return Access::planes;
  return group_channels % 4 == 0 && quads_fit(images) ? Access::channel_quads : Access::channels;
}

/// A problem as a product, of one group: extents of the result and of the sum.
struct Extents {
  bool weight, bf16;
  std::int64_t m, n, k, groups;

  static Extents of(const Problem& problem) {
    const auto g = ConvolutionGeometry::of(problem);
    const bool bf16 = multiplies_bfloat16(problem);
    const std::int64_t taps = g.filter_positions();
    if (problem.op == "convolution_weight_gradient")
      return {
          true,    bf16, taps * g.group_inputs(), g.group_outputs(), g.batch * g.output_positions(),
          g.groups};
    if (problem.op == "convolution")
      return {
          false,   bf16, g.batch * g.output_positions(), g.group_outputs(), taps * g.group_inputs(),
          g.groups};
    return {
        false,   bf16, g.batch * g.input_positions(), g.group_inputs(), taps * g.group_outputs(),
        g.groups};
  }
  /// Floats of one split's partial sums: products, and below them sums of dz.
  std::int64_t slice() const { return groups * (m + 1) * n; }
};

struct Plan {
  const Variant* variant;
  int splits;

  std::string name() const {
    return splits == 1 ? variant->name : variant->name + ("/k" + std::to_string(splits));
  }
  std::size_t workspace(const Extents& e) const {
    const std::int64_t floats = e.weight ? splits * e.slice() : e.groups * e.k * quads(e.n);
    return static_cast<std::size_t>(floats) * sizeof(float);
  }
  // Sums of dz are wanted even where there are no taps.
  std::int64_t tiles(std::int64_t m, const Extents& e) const {
    const std::int64_t rows = ceil_div<std::int64_t>(m, variant->m);
    return std::max<std::int64_t>(rows, e.weight ? 1 : 0) * ceil_div<std::int64_t>(e.n, variant->n);
  }
  dim3 grid(std::int64_t m, const Extents& e) const {
    return dim3(static_cast<unsigned>(tiles(m, e)), static_cast<unsigned>(splits),
                static_cast<unsigned>(e.groups));
  }
  bool applies(const Extents& e) const {
    if (variant->bf16 != e.bf16 || tiles(e.m, e) > INT32_MAX) return false;
    if (variant->m > 64 && (e.m <= 64 || e.n <= 64)) return false;
    return splits == 1 || (e.weight && e.k >= 2 * kDepth * splits &&
                           tiles(e.m, e) * e.groups * splits <= kManyBlocks);
  }
};

std::vector<Plan> plans_for(const Extents& extents) {
  std::vector<Plan> plans;
  for (int splits : kSplits)
    for (const Variant& variant : kVariants)
      if (const Plan plan{&variant, splits}; plan.applies(extents)) plans.push_back(plan);
  return plans;
}

/// Convolution and its input gradient.
class CorrelationKernel final : public Kernel {
 public:
  CorrelationKernel(const Problem& problem, const Plan& plan)
      : op_(problem.op),
        g_(ConvolutionGeometry::of(problem)),
        extents_(Extents::of(problem)),
        plan_(plan),
        forward_(problem.op == "convolution") {
    if (forward_) epilogue_ = DenseAttributes::from(problem.attributes);
    classes_ = forward_ ? std::vector{forward_class(g_)} : gradient_classes(g_);
  }

  void launch(const LaunchArguments& arguments) override {
    for (const CorrelationClass& c : classes_) {
      pack(c, arguments);
      multiply(c, arguments);
    }
    if (forward_ && epilogue_.dropout.rate > 0 && !drops_quads())
      launch_dropout(arguments.stream, epilogue_.dropout, arguments.inputs[3].as<std::int64_t>(),
                     arguments.outputs[0], arguments.outputs[0]);
  }

 private:
  std::int64_t channels_in() const { return forward_ ? g_.inputs : g_.outputs; }
  std::int64_t channels_out() const { return forward_ ? g_.outputs : g_.inputs; }
  const Extents3& extents_in() const { return forward_ ? g_.input : g_.output; }
  const Extents3& extents_out() const { return forward_ ? g_.output : g_.input; }
  std::int64_t taps(const CorrelationClass& c) const {
    return c.tap_count() * channels_in() / g_.groups;
  }
  bool drops_quads() const { return g_.output_positions() % 4 == 0; }

  void pack(const CorrelationClass& c, const LaunchArguments& arguments) const {
    PackedFilters f{};
    f.w = arguments.inputs[1].as<float>();
    f.out = static_cast<float*>(arguments.workspace);
    f.round = extents_.bf16;
    f.rows = static_cast<int>(taps(c));
    f.columns = static_cast<int>(extents_.n);
    f.stride = static_cast<int>(quads(extents_.n));
    f.by_stride = Divisor(std::max(f.stride, 1));
    f.taps = Grid4(c.taps[1], c.taps[2], channels_in() / g_.groups);
    const std::int64_t input = g_.filter_positions(), output = g_.group_inputs() * input;
    f.group_stride = g_.group_outputs() * output;
    f.row_channel_stride = forward_ ? input : output;
    f.column_stride = forward_ ? output : input;
    const std::int64_t row = g_.filter[2], plane = g_.filter[1] * row;
    f.first_tap = c.first_tap[0] * plane + c.first_tap[1] * row + c.first_tap[2];
    f.tap_step[0] = c.tap_step[0] * plane;
    f.tap_step[1] = c.tap_step[1] * row;
    f.tap_step[2] = c.tap_step[2];
    run(op_.c_str(), pack_filters_kernel,
        group_grid(static_cast<std::int64_t>(f.rows) * f.stride, g_.groups), kThreads,
        native_stream(arguments.stream), f);
  }

  void multiply(const CorrelationClass& c, const LaunchArguments& arguments) const {
    const TensorView& x = arguments.inputs[0];
    const Access access = access_of(x, channels_in() / g_.groups);
    Correlation p{};
    p.x = make_windows(c, g_.layout, channels_in(), channels_in() / g_.groups, extents_in());
    p.x.data = x.data;
    p.filters = static_cast<const float*>(arguments.workspace);
    p.filter_stride = quads(extents_.n);
    p.m = static_cast<int>(g_.batch * c.position_count());
    p.n = static_cast<int>(extents_.n);
    p.k = static_cast<int>(taps(c));
    p.y = make_store(c, arguments);
    run(op_.c_str(), plan_.variant->correlation[static_cast<int>(access)],
        plan_.grid(p.m, extents_), plan_.variant->threads, native_stream(arguments.stream), p);
  }

  ImageStore make_store(const CorrelationClass& c, const LaunchArguments& arguments) const {
    const TensorView& out = arguments.outputs[0];
    const ImageStrides strides = ImageStrides::of(g_.layout, channels_out(), extents_out());
    ImageStore y{};
    y.data = out.data;
    y.bf16 = out.type.dtype == DType::bf16;
    y.positions = Grid4(c.positions[0], c.positions[1], c.positions[2]);
    y.sample_positions = Divisor(std::max<std::int64_t>(c.position_count(), 1));
    y.sample_stride = strides.sample;
    for (std::size_t d = 0; d < 3; ++d) {
      y.begin += c.first[d] * strides.spatial[d];
      y.step[d] = c.step[d] * strides.spatial[d];
    }
    y.channel_stride = strides.channel;
    const bool last = g_.layout == Layout::channels_last, whole = classes_.size() == 1;
    y.channel_quads = last && extents_.n % 4 == 0 && quads_fit(out);
    y.position_quads = !last && whole && c.position_count() % 4 == 0 && quads_fit(out);
    y.channels = static_cast<int>(channels_out());
    y.group_channels = static_cast<int>(extents_.n);
    if (!forward_) return y;
    const auto operands = EpilogueOperands::of(epilogue_, arguments);
    y.bias = operands.bias;
    y.relu = operands.relu;
    if (operands.step != nullptr && drops_quads())
      y.dropout = DropoutMask::of(epilogue_.dropout, operands.step);
    return y;
  }

  std::string op_;
  ConvolutionGeometry g_;
  Extents extents_;
  Plan plan_;
  bool forward_;
  DenseAttributes epilogue_;
  std::vector<CorrelationClass> classes_;
};

class WeightKernel final : public Kernel {
 public:
  WeightKernel(const Problem& problem, const Plan& plan)
      : g_(ConvolutionGeometry::of(problem)), extents_(Extents::of(problem)), plan_(plan) {}

  void launch(const LaunchArguments& arguments) override {
    const cudaStream_t stream = native_stream(arguments.stream);
    const WeightProduct w = bind(arguments);
    const int access =
        static_cast<int>(std::max(access_of(arguments.inputs[0], g_.group_inputs()),
                                  access_of(arguments.inputs[1], g_.group_outputs())));
    run(kName, plan_.variant->weight[access], plan_.grid(extents_.m, extents_),
        plan_.variant->threads, stream, w);

    WeightSum s{};
    s.partial = static_cast<const float*>(arguments.workspace);
    s.splits = plan_.splits;
    s.slice = extents_.slice();
    s.rows = w.product.m;
    s.columns = w.product.n;
    s.by_columns = Divisor(std::max(s.columns, 1));
    s.group_inputs = Divisor(std::max<std::int64_t>(g_.group_inputs(), 1));
    s.filter_positions = g_.filter_positions();
    s.dw = arguments.outputs[0].as<float>();
    s.db = arguments.outputs[1].as<float>();
    run(kName, add_weight_splits_kernel, group_grid((extents_.m + 1) * extents_.n, g_.groups),
        kThreads, stream, s);
  }

 private:
  static constexpr const char* kName = "convolution_weight_gradient";

  WeightProduct bind(const LaunchArguments& arguments) const {
    WeightProduct w{};
    Product& p = w.product;
    p.m = static_cast<int>(extents_.m);
    p.n = static_cast<int>(extents_.n);
    p.k = static_cast<int>(extents_.k);
    p.k_per_split = ceil_div(ceil_div(p.k, kDepth), plan_.splits) * kDepth;
    p.slice = extents_.slice();
    p.vector_out = p.n % 4 == 0;
    p.c = arguments.workspace;
    p.column_sums = static_cast<float*>(arguments.workspace) + extents_.m * extents_.n;
    w.group_slice = (extents_.m + 1) * extents_.n;
    w.x = make_windows(forward_class(g_), g_.layout, g_.inputs, g_.group_inputs(), g_.input);
    w.x.data = arguments.inputs[0].data;
    const ImageStrides dz = ImageStrides::of(g_.layout, g_.outputs, g_.output);
    w.dz = arguments.inputs[1].data;
    w.dz_group_stride = g_.group_outputs() * dz.channel;
    w.dz_stride = g_.layout == Layout::row_major ? dz.sample : g_.outputs;
    w.sample_positions = Divisor(std::max<std::int64_t>(g_.output_positions(), 1));
    return w;
  }

  ConvolutionGeometry g_;
  Extents extents_;
  Plan plan_;
};

class ImplicitGemm final : public KernelCandidate {
 public:
  explicit ImplicitGemm(std::string op) : op_(std::move(op)) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return convolution_error_factor(problem);
  }

  Support query(const Problem& problem, Device&) const override {
    const std::string why = refuse_huge_convolution(ConvolutionGeometry::of(problem));
    if (!why.empty()) return Support::refuse(why);
    const Extents extents = Extents::of(problem);
    Support support;
    for (const Plan& plan : plans_for(extents))
      support.configurations.push_back({plan.name(), plan.workspace(extents), true});
    if (support.configurations.empty()) return Support::refuse("more tiles than a grid has blocks");
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    const Extents extents = Extents::of(problem);
    for (const Plan& plan : plans_for(extents)) {
      if (plan.name() != configuration.name) continue;
      if (extents.weight) return std::make_unique<WeightKernel>(problem, plan);
      return std::make_unique<CorrelationKernel>(problem, plan);
    }
    throw UsageError(op_ + ": " + id_ + " has no configuration '" + configuration.name + "'");
  }

 private:
  std::string op_;
  std::string backend_ = "cuda";
  std::string id_ = "cuda.implicit_gemm";
};

}  // namespace
std::string refuse_huge_convolution(const ConvolutionGeometry& g) {
  // Tiles may reach beyond the last index, coordinates beyond the padding.
  constexpr std::int64_t kMost = INT32_MAX - 1024, kFarthest = 1 << 28;
  const std::int64_t filter = g.filter_positions();
  const std::int64_t weights = std::max(g.group_inputs() + 4, g.group_outputs() + 4);
  if (std::max(g.batch * g.output_positions(), g.batch * g.input_positions()) > kMost)
    return "more positions than fit 32 bits";
  if (weights * weights > kMost / std::max<std::int64_t>(filter, 1))
    return "more weights of a group than fit 32 bits";
  if (g.groups > 65535) return "more than 65535 groups";
  for (std::size_t d = 0; d < 3; ++d)
    if (g.input[d] + g.window.padding_before[d] + g.window.padding_after[d] > kFarthest ||
        g.filter[d] * g.window.dilation[d] > kFarthest)
      return "an extent of more than 2^28 with its padding";
  return "";
}

}  // namespace cuda

void register_convolution_cuda(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"})
    registry.add(std::make_unique<cuda::ImplicitGemm>(op));
  cuda::register_winograd_convolution(registry);
}

}  // namespace engine
