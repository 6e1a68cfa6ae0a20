// Convolution of every channel of channels-last images with a filter of its own: there is nothing
// to multiply by a matrix, so taps are multiplied element by element along the channels.
#include <algorithm>

#include "kernels/cpu/convolution.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/window.h"

namespace engine::cpu {
namespace {

// y[i] += a[i] * b[i].
ENGINE_SIMD_CLONES
void multiply_add(const float* a, const float* b, float* y, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] += a[i] * b[i];
}

ENGINE_SIMD_CLONES
void rectify(float* y, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) y[i] = y[i] <= 0.0f ? 0.0f : y[i];
}

// Calls visit(tap, pixel) for what the filter covers at flat position n * positions + p; pixels are
// numbered through all images.
template <class Visit>
void for_each_covered(const Window& window, std::int64_t position, const Visit& visit) {
  const Extents3 &to = window.to, &from = window.from, &filter = window.filter;
  const std::int64_t image = position / window.positions(), p = position % window.positions();
  const Extents3 at{p / (to[1] * to[2]), p / to[2] % to[1], p % to[2]};
  std::int64_t tap = 0;
  for (std::int64_t i = 0; i < filter[0]; ++i)
    for (std::int64_t j = 0; j < filter[1]; ++j)
      for (std::int64_t k = 0; k < filter[2]; ++k, ++tap) {
        const std::int64_t z = window.covered(0, at[0], i), y = window.covered(1, at[1], j),
                           x = window.covered(2, at[2], k);
        if (z >= 0 && y >= 0 && x >= 0)
          visit(tap, ((image * from[0] + z) * from[1] + y) * from[2] + x);
      }
}

// The convolution or, backwards, its gradient.
class DepthwiseProduct final : public ConvolutionKernel {
 public:
  explicit DepthwiseProduct(const Problem& problem)
      : geometry_(ConvolutionGeometry::of(problem)),
        backwards_(problem.op == "convolution_input_gradient"),
        epilogue_(ConvolutionAttributes::from(problem.attributes).epilogue),
        window_(backwards_ ? Window::backwards(geometry_) : Window::forwards(geometry_)),
        filters_(regions_.add(window_.taps() * geometry_.inputs)) {}

  std::size_t workspace() const override { return regions_.bytes(); }

  void launch(const LaunchArguments& arguments) override {
    const std::int64_t channels = geometry_.inputs, taps = window_.taps();
    const float* w = arguments.inputs[1].as<float>();
    float* filters = static_cast<float*>(arguments.workspace) + filters_;
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t r = 0; r < taps; ++r) filters[r * channels + c] = w[c * taps + r];
    const std::int64_t grain = kElementGrain / (channels * taps) + 1;
    parallel_for(geometry_.batch * window_.positions(), grain,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) run(i, filters, arguments);
                 });
    if (epilogue_.dropout.rate > 0) drop_channels_last(geometry_, epilogue_.dropout, arguments);
  }

 private:
  void run(std::int64_t position, const float* filters, const LaunchArguments& arguments) const {
    const std::int64_t channels = geometry_.inputs;
    const float* x = arguments.inputs[0].as<float>();
    float* y = arguments.outputs[0].as<float>() + position * channels;
    if (backwards_)
      std::fill_n(y, channels, 0.0f);
    else
      std::copy_n(arguments.inputs[2].as<float>(), channels, y);
    for_each_covered(window_, position, [&](std::int64_t tap, std::int64_t pixel) {
      multiply_add(x + pixel * channels, filters + tap * channels, y, channels);
    });
    if (epilogue_.activation == Activation::relu) rectify(y, channels);
  }

  ConvolutionGeometry geometry_;
  bool backwards_;
  DenseAttributes epilogue_;
  Window window_;
  Regions regions_;
  std::int64_t filters_;  ///< [taps, channels]
};

// Sums over parts of the positions, as many as the problem alone determines.
class DepthwiseFilterGradient final : public ConvolutionKernel {
 public:
  explicit DepthwiseFilterGradient(const Problem& problem)
      : geometry_(ConvolutionGeometry::of(problem)),
        window_(Window::forwards(geometry_)),
        positions_(geometry_.batch * window_.positions()),
        parts_(std::clamp<std::int64_t>(positions_ / kPart, 1, kMostParts)),
        floats_((window_.taps() + 1) * geometry_.inputs),
        sums_(regions_.add(parts_ * floats_)) {}

  std::size_t workspace() const override { return regions_.bytes(); }

  void launch(const LaunchArguments& arguments) override {
    float* sums = static_cast<float*>(arguments.workspace) + sums_;
    parallel_for(parts_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part)
        sum(part, arguments, sums + part * floats_);
    });
    const std::int64_t channels = geometry_.inputs, taps = window_.taps();
    const auto total = [&](std::int64_t element) {
      float result = 0;
      for (std::int64_t part = 0; part < parts_; ++part) result += sums[part * floats_ + element];
      return result;
    };
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t r = 0; r < taps; ++r)
        arguments.outputs[0].as<float>()[c * taps + r] = total(r * channels + c);
      arguments.outputs[1].as<float>()[c] = total(taps * channels + c);
    }
  }

 private:
  static constexpr std::int64_t kMostParts = 16;
  static constexpr std::int64_t kPart = 64;  ///< positions that are worth sums of their own

  void sum(std::int64_t part, const LaunchArguments& arguments, float* sums) const {
    const std::int64_t channels = geometry_.inputs;
    const float* x = arguments.inputs[0].as<float>();
    std::fill_n(sums, floats_, 0.0f);
    float* bias_sums = sums + window_.taps() * channels;
    for (std::int64_t i = positions_ * part / parts_; i < positions_ * (part + 1) / parts_; ++i) {
      const float* dz = arguments.inputs[1].as<float>() + i * channels;
      for_each_covered(window_, i, [&](std::int64_t tap, std::int64_t pixel) {
        multiply_add(x + pixel * channels, dz, sums + tap * channels, channels);
      });
      for (std::int64_t c = 0; c < channels; ++c) bias_sums[c] += dz[c];
    }
  }

  ConvolutionGeometry geometry_;
  Window window_;
  std::int64_t positions_, parts_, floats_;
  Regions regions_;
  std::int64_t sums_;  ///< of each part: of dw as [taps, channels], then of dz
};

std::string refuse_depthwise(const Problem& problem) {
  const auto g = ConvolutionGeometry::of(problem);
  return g.inputs == g.groups && g.outputs == g.groups ? "" : "takes one filter a channel";
}

}  // namespace

ConvolutionFamily depthwise_convolution() {
  return {"cpu.depthwise",
          {""},
          refuse_depthwise,
          [](const Problem& problem, const std::string&) -> std::unique_ptr<ConvolutionKernel> {
            if (problem.op == "convolution_weight_gradient")
              return std::make_unique<DepthwiseFilterGradient>(problem);
            return std::make_unique<DepthwiseProduct>(problem);
          }};
}

}  // namespace engine::cpu
