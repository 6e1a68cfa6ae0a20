// Convolution and its gradients as implicit matrix products, for any geometry. Filters are packed
// into the workspace at each launch, [group][tap][channel] with channels padded to quads, so that
// the product reads them like any row-major matrix. The input gradient is a product for each class
// of positions (convolution_classes.h).
//
// The weight gradient sums over the positions of all samples, in splits that a second kernel adds
// up in order while it unpacks them; db comes from the column sums of the same product.
#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cuda/convolution_filters.h"
#include "kernels/cuda/convolution_parts.h"
#include "kernels/cuda/convolution_plan.h"
#include "kernels/cuda/images.cuh"
#include "kernels/cuda/launchers.h"

namespace engine::cuda {
namespace {

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
      pack_filters(op_.c_str(), arguments.stream, g_, c, forward_, extents_.bf16,
                   arguments.inputs[1].as<float>(), static_cast<float*>(arguments.workspace));
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

    add_weight_splits(
        kName, arguments.stream,
        {static_cast<const float*>(arguments.workspace), plan_.splits, extents_.slice(), g_.groups,
         extents_.m, extents_.n, g_.group_inputs(), g_.filter_positions()},
        arguments.outputs[0].as<float>(), arguments.outputs[1].as<float>());
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

class ImplicitGemm final : public ConvolutionCandidate {
 public:
  explicit ImplicitGemm(std::string op)
      : ConvolutionCandidate(std::move(op), "cuda.implicit_gemm", 1) {}

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
    refuse_configuration(configuration);
  }
};

}  // namespace

void register_gemm_convolution(CandidateRegistry& registry) {
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"})
    registry.add(std::make_unique<ImplicitGemm>(op));
}

}  // namespace engine::cuda
