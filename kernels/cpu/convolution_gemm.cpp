// Convolution of channels-last images as products of matrices, for any geometry. A block of
// positions is gathered, a line each of what the filter covers there, and multiplied by packed
// filters. The pixels along a filter's row are neighbours in memory, and are copied as one.
//
// The gradient of the input gathers the same way from dz: where the stride does not divide, and
// around it, there are zeros. That of the filters multiplies the transposed lines by dz; a task has
// sums of its own over a part of the positions, and how the work is cut depends on the problem
// alone.
#include <algorithm>
#include <array>

#include "kernels/cpu/convolution.h"
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/window.h"

namespace engine::cpu {
namespace {

// Lines of `channels` channels of the pixels covered, from images that have `all` channels.
class Gather {
 public:
  Gather(const Window& window, std::int64_t channels, std::int64_t all)
      : window_(window),
        channels_(channels),
        all_(all),
        image_floats_(window.from[0] * window.from[1] * window.from[2] * all),
        joined_(channels == all && window.spread[2] == 1 && window.divisor[2] == 1) {}

  std::int64_t depth() const { return window_.taps() * channels_; }

  // The lines of `count` flat positions n * positions + p from `first` on, `stride` floats apart.
  void lines(const float* images, std::int64_t first, std::int64_t count, float* to,
             std::int64_t stride) const {
    const Extents3& extents = window_.to;
    const std::int64_t p = first % window_.positions();
    std::int64_t image = first / window_.positions();
    Extents3 at{p / (extents[1] * extents[2]), p / extents[2] % extents[1], p % extents[2]};
    for (std::int64_t i = 0; i < count; ++i, to += stride) {
      line(images + image * image_floats_, at, to);
      if (++at[2] < extents[2]) continue;
      at[2] = 0;
      if (++at[1] < extents[1]) continue;
      at[1] = 0;
      if (++at[0] < extents[0]) continue;
      at[0] = 0;
      ++image;
    }
  }

 private:
  void line(const float* image, const Extents3& at, float* to) const {
    const std::int64_t taps = window_.filter[2];
    for (std::int64_t i = 0; i < window_.filter[0]; ++i)
      for (std::int64_t j = 0; j < window_.filter[1]; ++j, to += taps * channels_) {
        const std::int64_t y = window_.covered(0, at[0], i), x = window_.covered(1, at[1], j);
        if (y < 0 || x < 0)
          std::fill_n(to, taps * channels_, 0.0f);
        else
          row(image + (y * window_.from[1] + x) * window_.from[2] * all_, at[2], to);
      }
  }

  void row(const float* pixels, std::int64_t position, float* to) const {
    const std::int64_t taps = window_.filter[2];
    if (joined_) {
      const std::int64_t start = position * window_.step[2] - window_.before[2];
      const std::int64_t first = std::clamp<std::int64_t>(-start, 0, taps);
      const std::int64_t last = std::clamp<std::int64_t>(window_.from[2] - start, first, taps);
      to = std::fill_n(to, first * channels_, 0.0f);
      to = std::copy_n(pixels + (start + first) * all_, (last - first) * channels_, to);
      std::fill_n(to, (taps - last) * channels_, 0.0f);
      return;
    }
    for (std::int64_t r = 0; r < taps; ++r, to += channels_)
      if (const std::int64_t x = window_.covered(2, position, r); x < 0)
        std::fill_n(to, channels_, 0.0f);
      else
        std::copy_n(pixels + x * all_, channels_, to);
  }

  Window window_;
  std::int64_t channels_, all_, image_floats_;
  bool joined_;  ///< pixels along a row of the filter follow each other
};

// y[i] = x[i] + bias[i], through a ReLU if wanted.
ENGINE_SIMD_CLONES
void finish_line(const float* x, const float* bias, float* y, std::int64_t count, bool rectify) {
  if (bias == nullptr)
    std::copy_n(x, count, y);
  else if (rectify)
    for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] + bias[i] <= 0.0f ? 0.0f : x[i] + bias[i];
  else
    for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] + bias[i];
}

constexpr std::int64_t kBlock = 48;   ///< positions at a time
constexpr std::int64_t kDepth = 384;  ///< of a product: a panel stays in the first-level cache

// The convolution or, backwards, its gradient. Channels in and out are those of a group, as the
// product goes.
class GemmProduct final : public ConvolutionKernel {
 public:
  explicit GemmProduct(const Problem& problem)
      : geometry_(ConvolutionGeometry::of(problem)),
        backwards_(problem.op == "convolution_input_gradient"),
        epilogue_(ConvolutionAttributes::from(problem.attributes).epilogue),
        window_(backwards_ ? Window::backwards(geometry_) : Window::forwards(geometry_)),
        in_(backwards_ ? geometry_.group_outputs() : geometry_.group_inputs()),
        out_(backwards_ ? geometry_.group_inputs() : geometry_.group_outputs()),
        gather_(window_, in_, in_ * geometry_.groups),
        columns_(micro_kernel().padded_columns(out_)),
        block_(micro_kernel().padded_rows(kBlock)),
        filters_(regions_.add(geometry_.groups * gather_.depth() * columns_)) {
    for (int worker = 0; worker < threads(); ++worker)
      scratch_.push_back(regions_.add(block_ * (gather_.depth() + columns_)));
  }

  std::size_t workspace() const override { return regions_.bytes(); }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    pack(arguments.inputs[1].as<float>(), workspace + filters_);
    const std::int64_t blocks = ceil_divide(geometry_.batch * window_.positions(), block_);
    for_each_task(blocks * geometry_.groups, static_cast<std::int64_t>(scratch_.size()),
                  [&](std::int64_t task, std::int64_t worker) {
                    run(task / geometry_.groups * block_, task % geometry_.groups, arguments,
                        workspace + scratch_[static_cast<std::size_t>(worker)]);
                  });
    if (epilogue_.dropout.rate > 0) drop_channels_last(geometry_, epilogue_.dropout, arguments);
  }

 private:
  // Filters in panels, depth by depth; a line is a tap and a channel.
  void pack(const float* w, float* to) const {
    const std::int64_t depth = gather_.depth(), taps = window_.taps();
    const std::int64_t own = taps, other = taps * geometry_.group_inputs();
    parallel_for(geometry_.groups * depth, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t index = begin; index < end; ++index) {
        const std::int64_t group = index / depth, line = index % depth;
        const std::int64_t first = line / kDepth * kDepth, part = std::min(kDepth, depth - first);
        const float* source = w + group * geometry_.group_outputs() * other + line / in_ +
                              line % in_ * (backwards_ ? other : own);
        float* target = to + group * depth * columns_ + first * columns_;
        for (std::int64_t k = 0; k < columns_; ++k)
          target[micro_kernel().packed_offset(line - first, k, part, out_)] =
              k < out_ ? source[k * (backwards_ ? own : other)] : 0.0f;
      }
    });
  }

  void run(std::int64_t first, std::int64_t group, const LaunchArguments& arguments,
           float* scratch) const {
    const std::int64_t depth = gather_.depth();
    const std::int64_t count = std::min(block_, geometry_.batch * window_.positions() - first);
    const float* images = arguments.inputs[0].as<float>() + group * in_;
    gather_.lines(images, first, count, scratch, depth);
    float* sums = scratch + block_ * depth;
    const float* filters =
        static_cast<const float*>(arguments.workspace) + filters_ + group * depth * columns_;
    // A product over no terms is still written.
    if (depth == 0) std::fill_n(sums, block_ * columns_, 0.0f);
    for (std::int64_t d = 0; d < depth; d += kDepth)
      multiply_packed({scratch + d, depth, 1, filters + d * columns_, std::min(kDepth, depth - d),
                       sums, columns_, d > 0},
                      count, out_);
    const std::int64_t all = out_ * geometry_.groups;
    const float* bias = backwards_ ? nullptr : arguments.inputs[2].as<float>() + group * out_;
    float* y = arguments.outputs[0].as<float>() + first * all + group * out_;
    for (std::int64_t i = 0; i < count; ++i)
      finish_line(sums + i * columns_, bias, y + i * all, out_,
                  epilogue_.activation == Activation::relu);
  }

  ConvolutionGeometry geometry_;
  bool backwards_;
  DenseAttributes epilogue_;
  Window window_;
  std::int64_t in_, out_;
  Gather gather_;
  std::int64_t columns_, block_;
  Regions regions_;
  std::int64_t filters_;
  std::vector<std::int64_t> scratch_;  ///< a worker's lines, then its sums
};

class GemmFilterGradient final : public ConvolutionKernel {
 public:
  explicit GemmFilterGradient(const Problem& problem)
      : geometry_(ConvolutionGeometry::of(problem)),
        in_(geometry_.group_inputs()),
        out_(geometry_.group_outputs()),
        gather_(Window::forwards(geometry_), in_, geometry_.inputs),
        columns_(micro_kernel().padded_columns(out_)),
        rows_(micro_kernel().padded_rows(gather_.depth())),
        positions_(geometry_.batch * geometry_.output_positions()),
        parts_(std::clamp<std::int64_t>(positions_ / kPart, 1,
                                        ceil_divide(kTasks, geometry_.groups))) {
    for (std::int64_t task = 0; task < parts_ * geometry_.groups; ++task)
      sums_.push_back(regions_.add((rows_ + 1) * columns_));
    for (int worker = 0; worker < threads(); ++worker)
      scratch_.push_back(regions_.add(kBlock * (rows_ + columns_)));
  }

  std::size_t workspace() const override { return regions_.bytes(); }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    for_each_task(parts_ * geometry_.groups, static_cast<std::int64_t>(scratch_.size()),
                  [&](std::int64_t task, std::int64_t worker) {
                    sum(task, arguments, workspace + sums_[static_cast<std::size_t>(task)],
                        workspace + scratch_[static_cast<std::size_t>(worker)]);
                  });
    parallel_for(geometry_.outputs, 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) finish(k, workspace, arguments);
    });
  }

 private:
  static constexpr std::int64_t kTasks = 8;
  static constexpr std::int64_t kPart = 256;  ///< positions that are worth sums of their own

  // Sums of dw, a line a tap and channel, and behind them those of dz.
  void sum(std::int64_t task, const LaunchArguments& arguments, float* sums, float* scratch) const {
    const std::int64_t group = task / parts_, part = task % parts_;
    const float* x = arguments.inputs[0].as<float>() + group * in_;
    const float* dz = arguments.inputs[1].as<float>() + group * out_;
    std::fill_n(sums, (rows_ + 1) * columns_, 0.0f);
    float* bias_sums = sums + rows_ * columns_;
    float* packed = scratch + kBlock * rows_;
    const std::int64_t end = positions_ * (part + 1) / parts_;
    for (std::int64_t first = positions_ * part / parts_; first < end; first += kBlock) {
      const std::int64_t count = std::min(kBlock, end - first);
      gather_.lines(x, first, count, scratch, rows_);
      for (std::int64_t i = 0; i < count; ++i) {
        const float* line = dz + (first + i) * geometry_.outputs;
        pack_line(line, i, count, out_, packed);
        for (std::int64_t k = 0; k < out_; ++k) bias_sums[k] += line[k];
      }
      multiply_packed({scratch, 1, rows_, packed, count, sums, columns_, true}, gather_.depth(),
                      out_);
    }
  }

  // The gradients of all filters to channel k of y.
  void finish(std::int64_t k, const float* workspace, const LaunchArguments& arguments) const {
    const std::int64_t taps = geometry_.filter_positions(), column = k % out_;
    float* dw = arguments.outputs[0].as<float>() + k * in_ * taps;
    const auto total = [&](std::int64_t line) {
      float result = 0;
      for (std::int64_t part = 0; part < parts_; ++part)
        result += workspace[sums_[static_cast<std::size_t>(k / out_ * parts_ + part)] +
                            line * columns_ + column];
      return result;
    };
    for (std::int64_t c = 0; c < in_; ++c)
      for (std::int64_t r = 0; r < taps; ++r) dw[c * taps + r] = total(r * in_ + c);
    arguments.outputs[1].as<float>()[k] = total(rows_);
  }

  ConvolutionGeometry geometry_;
  std::int64_t in_, out_;
  Gather gather_;
  std::int64_t columns_, rows_, positions_, parts_;
  Regions regions_;
  std::vector<std::int64_t> sums_;     ///< of a task
  std::vector<std::int64_t> scratch_;  ///< a worker's lines of x, then of dz
};

}  // namespace

ConvolutionFamily gemm_convolution() {
  return {"cpu.gemm",
          {""},
          [](const Problem&) -> std::string { return ""; },
          [](const Problem& problem, const std::string&) -> std::unique_ptr<ConvolutionKernel> {
            if (problem.op == "convolution_weight_gradient")
              return std::make_unique<GemmFilterGradient>(problem);
            return std::make_unique<GemmProduct>(problem);
          }};
}

}  // namespace engine::cpu
