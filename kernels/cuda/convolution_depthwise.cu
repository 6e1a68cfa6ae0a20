// cuda.depthwise: convolutions with one input channel a group, and their gradients.
#include "kernels/cuda/convolution_depthwise.cuh"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cuda/convolution_filters.h"
#include "kernels/cuda/convolution_parts.h"

namespace engine::cuda {
namespace {

constexpr int kColumns = 4;  // of a thread with channels last

DepthwiseImages make_images(Layout layout, std::int64_t channels, const Extents3& extents) {
  const ImageStrides strides = ImageStrides::of(layout, channels, extents);
  DepthwiseImages images{static_cast<int>(channels), {}, strides.sample, strides.channel, {}};
  for (std::size_t d = 0; d < 3; ++d) {
    images.extent[d] = static_cast<int>(extents[d]);
    images.spatial_stride[d] = strides.spatial[d];
  }
  return images;
}

DepthwiseWindow make_window(const ConvolutionGeometry& g) {
  DepthwiseWindow w{};
  for (std::size_t d = 0; d < 3; ++d) {
    w.filter[d] = static_cast<int>(g.filter[d]);
    w.stride[d] = static_cast<int>(g.window.stride[d]);
    w.dilation[d] = static_cast<int>(g.window.dilation[d]);
    w.before[d] = static_cast<int>(g.window.padding_before[d]);
  }
  w.multiplier = static_cast<int>(g.group_outputs());
  w.by_multiplier = Divisor(std::max(w.multiplier, 1));
  return w;
}

bool quads_fit(const TensorView& view) {
  return view.type.dtype == DType::bf16 ? is_aligned_for_4(view.as<bfloat16>())
                                        : is_aligned_for_4(view.as<float>());
}

/// Convolution and its input gradient.
class DepthwiseKernel final : public Kernel {
 public:
  explicit DepthwiseKernel(const Problem& problem)
      : op_(problem.op),
        g_(ConvolutionGeometry::of(problem)),
        bf16_(multiplies_bfloat16(problem)),
        forward_(problem.op == "convolution") {
    if (forward_) epilogue_ = DenseAttributes::from(problem.attributes);
  }

  static std::int64_t filters(const ConvolutionGeometry& g) {
    return g.filter_positions() * quads(g.outputs);
  }

  void launch(const LaunchArguments& arguments) override {
    // As if all filters were those of one input channel: [tap][output].
    ConvolutionGeometry dense = g_;
    dense.inputs = dense.groups = 1;
    pack_filters(op_.c_str(), arguments.stream, dense, forward_class(g_), true, bf16_,
                 arguments.inputs[1].as<float>(), static_cast<float*>(arguments.workspace));
    const bool last = g_.layout == Layout::channels_last;
    const bool wide = last && g_.inputs == g_.outputs && g_.inputs % 4 == 0 &&
                      quads_fit(arguments.inputs[0]) && quads_fit(arguments.outputs[0]);
    if (wide)
      by_type<4, kColumns>(arguments);
    else if (last)
      by_type<1, kColumns>(arguments);
    else
      by_type<1, 1>(arguments);
  }

 private:
  template <int kWidth, int kColumnsEach>
  void by_type(const LaunchArguments& arguments) const {
    const bool narrow = arguments.inputs[0].type.dtype == DType::bf16;
    const bool narrow_out = arguments.outputs[0].type.dtype == DType::bf16;
    if (narrow)
      narrow_out ? launch_as<kWidth, kColumnsEach, bfloat16, bfloat16>(arguments)
                 : launch_as<kWidth, kColumnsEach, bfloat16, float>(arguments);
    else
      narrow_out ? launch_as<kWidth, kColumnsEach, float, bfloat16>(arguments)
                 : launch_as<kWidth, kColumnsEach, float, float>(arguments);
  }

  template <int kWidth, int kColumnsEach, class T, class Out>
  void launch_as(const LaunchArguments& arguments) const {
    const Depthwise p = bind<kWidth, kColumnsEach>(arguments);
    run(op_.c_str(),
        forward_ ? depthwise_kernel<true, kWidth, kColumnsEach, T, Out>
                 : depthwise_kernel<false, kWidth, kColumnsEach, T, Out>,
        dim3(static_cast<unsigned>(ceil_div<std::int64_t>(p.threads, kDepthwiseThreads))),
        kDepthwiseThreads, native_stream(arguments.stream), p, arguments.inputs[0].as<T>(),
        arguments.outputs[0].as<Out>());
  }

  template <int kWidth, int kColumnsEach>
  Depthwise bind(const LaunchArguments& arguments) const {
    const DepthwiseImages x = make_images(g_.layout, g_.inputs, g_.input);
    const DepthwiseImages y = make_images(g_.layout, g_.outputs, g_.output);
    const Extents3& made = forward_ ? g_.output : g_.input;
    Depthwise p{};
    p.window = make_window(g_);
    p.read = forward_ ? x : y;
    p.made = forward_ ? y : x;
    p.filters = static_cast<const float*>(arguments.workspace);
    p.filter_stride = quads(g_.outputs);
    p.channels_inner = g_.layout == Layout::channels_last;
    p.by_channels = Divisor(std::max(p.made.channels / kWidth, 1));
    const std::int64_t columns = ceil_div<std::int64_t>(made[2], kColumnsEach);
    p.grid = Grid4(made[0], made[1], columns);
    p.threads = g_.batch * (p.made.channels / kWidth) * made[0] * made[1] * columns;
    if (forward_) p.epilogue = ImageEpilogue::of(epilogue_, arguments);
    return p;
  }

  std::string op_;
  ConvolutionGeometry g_;
  bool bf16_, forward_;
  DenseAttributes epilogue_;
};

class DepthwiseWeightKernel final : public Kernel {
 public:
  explicit DepthwiseWeightKernel(const Problem& problem)
      : g_(ConvolutionGeometry::of(problem)), channels_(channels(g_)) {}

  static Channels channels(const ConvolutionGeometry& g) {
    const std::int64_t positions = g.output_positions();
    return Channels::of({g.layout == Layout::channels_last
                             ? Shape{g.batch * positions, g.outputs, 1}
                             : Shape{g.batch, g.outputs, positions},
                         DType::f32});
  }
  static std::int64_t slice(const ConvolutionGeometry& g) {
    return (g.filter_positions() + 1) * g.outputs;
  }

  void launch(const LaunchArguments& arguments) override {
    arguments.inputs[0].type.dtype == DType::bf16 ? multiply<bfloat16>(arguments)
                                                  : multiply<float>(arguments);
    // As if all filters were those of one input channel.
    add_weight_splits(kName, arguments.stream,
                      {static_cast<const float*>(arguments.workspace), channels_.parts, slice(g_),
                       1, g_.filter_positions(), g_.outputs, 1, g_.filter_positions()},
                      arguments.outputs[0].as<float>(), arguments.outputs[1].as<float>());
  }

 private:
  static constexpr const char* kName = "convolution_weight_gradient";

  template <class T>
  void multiply(const LaunchArguments& arguments) const {
    DepthwiseWeight p{};
    p.window = make_window(g_);
    p.x = make_images(g_.layout, g_.inputs, g_.input);
    p.dz = make_images(g_.layout, g_.outputs, g_.output);
    p.positions = Grid4(g_.output[0], g_.output[1], g_.output[2]);
    p.taps = Grid4(g_.filter[0], g_.filter[1], g_.filter[2]);
    p.tap_count = static_cast<int>(g_.filter_positions());
    p.partial = static_cast<float*>(arguments.workspace);
    dim3 grid = channels_.grid();
    grid.z = static_cast<unsigned>(ceil_div(p.tap_count + 1, kDepthwiseRows));
    run(kName,
        channels_.are_columns() ? depthwise_weight_kernel<true, T>
                                : depthwise_weight_kernel<false, T>,
        grid, kChannelThreads, native_stream(arguments.stream), channels_, p,
        arguments.inputs[0].as<T>(), arguments.inputs[1].as<T>());
  }

  ConvolutionGeometry g_;
  Channels channels_;
};

class DepthwiseCandidate final : public ConvolutionCandidate {
 public:
  explicit DepthwiseCandidate(std::string op)
      : ConvolutionCandidate(std::move(op), "cuda.depthwise", 1) {}

  Support query(const Problem& problem, Device&) const override {
    const auto g = ConvolutionGeometry::of(problem);
    if (g.inputs == 0 || g.group_inputs() != 1) return Support::refuse("several channels a group");
    ConvolutionGeometry dense = g;
    dense.groups = dense.inputs = 1;
    if (std::string why = refuse_huge_convolution(dense); !why.empty()) return Support::refuse(why);
    if (g.batch * std::max(g.outputs * g.output_positions(), g.inputs * g.input_positions()) >
        INT32_MAX - 1024)
      return Support::refuse("more elements than fit 32 bits");
    const std::int64_t floats =
        op() == "convolution_weight_gradient"
            ? DepthwiseWeightKernel::channels(g).parts * DepthwiseWeightKernel::slice(g)
            : DepthwiseKernel::filters(g);
    return {{{"", static_cast<std::size_t>(floats) * sizeof(float), true}}, ""};
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration&,
                                  Device&) const override {
    if (op() == "convolution_weight_gradient")
      return std::make_unique<DepthwiseWeightKernel>(problem);
    return std::make_unique<DepthwiseKernel>(problem);
  }
};

}  // namespace

void register_depthwise_convolution(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"})
    registry.add(std::make_unique<DepthwiseCandidate>(op));
}

}  // namespace engine::cuda
