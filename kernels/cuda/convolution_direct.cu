// cuda.direct: convolutions of up to four input channels, such as a network's first layer, and the
// gradients of their filters. The gradient of the input, which a first layer has no use for, is
// left to the other candidates.
#include "kernels/cuda/convolution_direct.cuh"

#include <algorithm>
#include <bit>
#include <optional>

#include "engine/tune/registry.h"
#include "kernels/cuda/convolution_filters.h"
#include "kernels/cuda/convolution_parts.h"

namespace engine::cuda {
namespace {

constexpr std::int64_t kMostChannels = 4;
constexpr int kSplits[] = {1, 16, 128};

/// A way to cut the positions, and the patch that comes of it.
struct Cut {
  PositionTiles tiles;
  PatchLayout patch;
};

// Channels that many floats apart let a warp store what it loaded without meeting a bank twice;
// rows that many apart let it read the windows of a tile's columns so, of stride 1.
std::int64_t padded(std::int64_t extent, std::int64_t remainder) {
  return extent + ((remainder - extent) % kWarp + kWarp) % kWarp;
}

PatchLayout make_patch(const ConvolutionGeometry& g, std::int64_t rows, std::int64_t columns) {
  const ImageStrides strides = ImageStrides::of(g.layout, g.inputs, g.input);
  PatchLayout p{};
  p.channels_last = g.layout == Layout::channels_last;
  p.channels = static_cast<int>(g.inputs);
  p.sample_stride = strides.sample;
  p.channel_stride = strides.channel;
  for (std::size_t d = 0; d < 3; ++d) {
    p.extent[d] = static_cast<int>(g.input[d]);
    p.stride[d] = static_cast<int>(g.window.stride[d]);
    p.dilation[d] = static_cast<int>(g.window.dilation[d]);
    p.before[d] = static_cast<int>(g.window.padding_before[d]);
    p.spatial_stride[d] = strides.spatial[d];
  }
  const auto reach = [&](std::size_t d, std::int64_t positions) {
    return (positions - 1) * g.window.stride[d] + (g.filter[d] - 1) * g.window.dilation[d] + 1;
  };
  const std::int64_t lines = reach(1, rows), width = reach(2, columns);
  const std::int64_t pitch = columns == kWarp ? width : padded(width, columns);
  const std::int64_t area = g.filter[0] * lines * pitch;
  const std::int64_t channel = padded(area, (kWarp + g.inputs - 1) / g.inputs);
  // Too large for a patch is refused; here it must merely not overflow.
  const auto bounded = [](std::int64_t n) { return static_cast<int>(std::min(n, 1L << 28)); };
  p.planes = bounded(g.filter[0]);
  p.rows = bounded(lines);
  p.columns = bounded(width);
  p.pitch = bounded(pitch);
  p.channel_pitch = bounded(channel);
  p.by_channels = Divisor(p.channels);
  p.by_rows = Divisor(p.rows);
  p.by_planes = Divisor(p.planes);
  p.taps = Grid4(g.filter[1], g.filter[2], g.inputs);
  return p;
}

PositionTiles make_tiles(const ConvolutionGeometry& g, std::int64_t rows, std::int64_t columns) {
  PositionTiles t{};
  t.rows = static_cast<int>(rows);
  t.columns = static_cast<int>(columns);
  t.by_columns = Divisor(columns);
  const std::int64_t down = ceil_div(g.output[1], rows), across = ceil_div(g.output[2], columns);
  t.grid = Grid4(g.output[0], down, across);
  t.count = static_cast<int>(g.batch * g.output[0] * down * across);
  for (std::size_t d = 0; d < 3; ++d) t.extent[d] = static_cast<int>(g.output[d]);
  return t;
}

/// Tiles of so many positions whose patch fits: as wide as the result, up to a warp's lanes.
std::optional<Cut> cut(const ConvolutionGeometry& g, std::int64_t positions) {
  const std::int64_t widest = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(g.output[2]))),
      kLanePositions, kWarp);
  for (std::int64_t columns = widest; columns >= kLanePositions; columns /= 2) {
    Cut result{make_tiles(g, positions / columns, columns),
               make_patch(g, positions / columns, columns)};
    if (std::int64_t{result.patch.channel_pitch} * g.inputs <= kPatchFloats) return result;
  }
  return std::nullopt;
}

DirectImages result_images(const ConvolutionGeometry& g, const TensorView& images) {
  const ImageStrides strides = ImageStrides::of(g.layout, g.outputs, g.output);
  DirectImages result{};
  result.channels_last = g.layout == Layout::channels_last;
  result.channels = static_cast<int>(g.outputs);
  result.sample_stride = strides.sample;
  result.channel_stride = strides.channel;
  result.position_stride = strides.spatial[2];
  const bool aligned = images.type.dtype == DType::bf16 ? is_aligned_for_4(images.as<bfloat16>())
                                                        : is_aligned_for_4(images.as<float>());
  result.quads = result.channels_last && g.outputs % 4 == 0 && aligned;
  return result;
}

/// Positions of a block's tile, and how many ways its warps share them out.
struct ForwardPlan {
  const char* name;
  int position_warps;
  int positions() const { return 32 * position_warps; }
  int channels() const { return kDirectThreads / position_warps; }
};
constexpr ForwardPlan kForwardPlans[] = {{"64x64", 2}, {"128x32", 4}};

class DirectForwardKernel final : public Kernel {
 public:
  DirectForwardKernel(const Problem& problem, const ForwardPlan& plan)
      : g_(ConvolutionGeometry::of(problem)),
        bf16_(multiplies_bfloat16(problem)),
        epilogue_(DenseAttributes::from(problem.attributes)),
        plan_(plan),
        cut_(*cut(g_, plan.positions())) {}

  void launch(const LaunchArguments& arguments) override {
    const TensorView &x = arguments.inputs[0], &y = arguments.outputs[0];
    auto* filters = static_cast<float*>(arguments.workspace);
    pack_filters(kName, arguments.stream, g_, forward_class(g_), true, bf16_,
                 arguments.inputs[1].as<float>(), filters);
    DirectForward p{};
    p.tiles = cut_.tiles;
    p.patch = cut_.patch;
    p.filters = filters;
    p.filter_stride = static_cast<int>(quads(g_.outputs));
    p.taps = static_cast<int>(g_.inputs * g_.filter_positions());
    p.y = result_images(g_, y);
    p.positions = g_.output_positions();
    p.epilogue = ImageEpilogue::of(epilogue_, arguments);
    const bool narrow = y.type.dtype == DType::bf16;
    if (x.type.dtype == DType::bf16)
      narrow ? run_as<bfloat16, bfloat16>(arguments, p) : run_as<bfloat16, float>(arguments, p);
    else
      narrow ? run_as<float, bfloat16>(arguments, p) : run_as<float, float>(arguments, p);
  }

 private:
  static constexpr const char* kName = "convolution";

  template <class T, class Out>
  void run_as(const LaunchArguments& arguments, const DirectForward& p) const {
    const dim3 grid(static_cast<unsigned>(p.tiles.count),
                    static_cast<unsigned>(ceil_div<std::int64_t>(g_.outputs, plan_.channels())));
    run(kName, plan_.position_warps == 2 ? direct_kernel<T, Out, 2> : direct_kernel<T, Out, 4>,
        grid, kDirectThreads, native_stream(arguments.stream), p, arguments.inputs[0].as<T>(),
        arguments.outputs[0].as<Out>());
  }

  ConvolutionGeometry g_;
  bool bf16_;
  DenseAttributes epilogue_;
  ForwardPlan plan_;
  Cut cut_;
};

class DirectWeightKernel final : public Kernel {
 public:
  DirectWeightKernel(const Problem& problem, int splits)
      : g_(ConvolutionGeometry::of(problem)), splits_(splits), cut_(*cut(g_, kWeightPositions)) {}

  static std::int64_t slice(const ConvolutionGeometry& g) {
    return (g.inputs * g.filter_positions() + 1) * g.outputs;
  }

  void launch(const LaunchArguments& arguments) override {
    arguments.inputs[0].type.dtype == DType::bf16 ? multiply<bfloat16>(arguments)
                                                  : multiply<float>(arguments);
    add_weight_splits(
        kName, arguments.stream,
        {static_cast<const float*>(arguments.workspace), splits_, slice(g_), 1,
         g_.inputs * g_.filter_positions(), g_.outputs, g_.inputs, g_.filter_positions()},
        arguments.outputs[0].as<float>(), arguments.outputs[1].as<float>());
  }

 private:
  static constexpr const char* kName = "convolution_weight_gradient";

  template <class T>
  void multiply(const LaunchArguments& arguments) const {
    DirectWeight p{};
    p.tiles = cut_.tiles;
    p.patch = cut_.patch;
    p.taps = static_cast<int>(g_.inputs * g_.filter_positions());
    p.dz = result_images(g_, arguments.inputs[1]);
    p.splits = splits_;
    p.partial = static_cast<float*>(arguments.workspace);
    p.vector_out = g_.outputs % 4 == 0;
    const dim3 grid(static_cast<unsigned>(ceil_div(p.taps + 1, kTapChunk)),
                    static_cast<unsigned>(splits_),
                    static_cast<unsigned>(ceil_div<std::int64_t>(g_.outputs, kWeightChannels)));
    run(kName, p.dz.channels_last ? direct_weight_kernel<T, true> : direct_weight_kernel<T, false>,
        grid, kDirectThreads, native_stream(arguments.stream), p, arguments.inputs[0].as<T>(),
        arguments.inputs[1].as<T>());
  }

  ConvolutionGeometry g_;
  int splits_;
  Cut cut_;
};

std::string refuse(const ConvolutionGeometry& g) {
  if (g.groups != 1) return "several groups";
  if (g.inputs < 1 || g.inputs > kMostChannels) return "not 1 to 4 input channels";
  if (ceil_div<std::int64_t>(g.outputs, 32) > 65535) return "more channels than a grid has rows";
  return refuse_huge_convolution(g);
}

class Direct final : public ConvolutionCandidate {
 public:
  explicit Direct(std::string op) : ConvolutionCandidate(std::move(op), "cuda.direct", 1) {}

  Support query(const Problem& problem, Device&) const override {
    const auto g = ConvolutionGeometry::of(problem);
    if (std::string why = refuse(g); !why.empty()) return Support::refuse(why);
    Support support;
    const auto add = [&](const std::string& name, std::int64_t floats) {
      support.configurations.push_back(
          {name, static_cast<std::size_t>(floats) * sizeof(float), true});
    };
    if (op() == "convolution") {
      for (const ForwardPlan& plan : kForwardPlans)
        if (cut(g, plan.positions()))
          add(plan.name, g.inputs * g.filter_positions() * quads(g.outputs));
    } else if (const auto found = cut(g, kWeightPositions)) {
      for (int splits : kSplits)
        if (splits == 1 || found->tiles.count >= 2 * splits)
          add("k" + std::to_string(splits), splits * DirectWeightKernel::slice(g));
    }
    if (support.configurations.empty()) return Support::refuse("windows larger than a patch");
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    for (const ForwardPlan& plan : kForwardPlans)
      if (op() == "convolution" && configuration.name == plan.name)
        return std::make_unique<DirectForwardKernel>(problem, plan);
    for (int splits : kSplits)
      if (op() != "convolution" && configuration.name == "k" + std::to_string(splits))
        return std::make_unique<DirectWeightKernel>(problem, splits);
    refuse_configuration(configuration);
  }
};

}  // namespace

void register_direct_convolution(CandidateRegistry& registry) {
  for (const char* op : {"convolution", "convolution_weight_gradient"})
    registry.add(std::make_unique<Direct>(op));
}

}  // namespace engine::cuda
