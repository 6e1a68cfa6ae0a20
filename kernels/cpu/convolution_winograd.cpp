// Convolution of channels-last images with 3 x 3 filters by Winograd's algorithm. Tiles of the
// images go through it in blocks small enough for their points to stay in the second-level cache:
// transform, a product a point over the channels, transform back. Filters, which change in every
// training step, are transformed at each launch.
//
// The gradient of the input is the same with rotated, transposed filters. That of the filters sums
// its products over all tiles: a task has sums of its own, over a part of the tiles and some
// channels, and how the work is cut depends on the problem alone.
//
// Rounding. The products' errors are multiplied by the transforms: relative to the direct sum, in
// the mean square over numbers of equal variance, by Σ_e A² ΣG² ΣB² / 3 in one dimension (/ 4 for
// the gradient of filters, whose sums have 4 terms), which is at most 31.4 for tiles of 4 x 4 and
// 1.7 for 2 x 2. Over two dimensions the factor of the root is that number itself.
#include <algorithm>
#include <array>

#include "kernels/cpu/convolution.h"
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/winograd_tiles.h"

namespace engine::cpu {
namespace {

constexpr int kMostPoints = 36;

// One side of a convolution: images of height x width pixels of so many channels.
struct Images {
  std::int64_t count, height, width, channels;

  std::int64_t floats() const { return count * height * width * channels; }
};

// Readable pixels of images and of what lies around them, with room behind each for a whole vector.
class Pixels {
 public:
  Pixels(const Images& images, Regions& regions)
      : images_(images),
        padded_(micro_kernel().padded_columns(images.channels)),
        tail_start_(std::max<std::int64_t>(0, images.floats() - padded_)),
        zeros_(regions.add(padded_)),
        tail_(regions.add(2 * padded_)) {}

  void prepare(const float* data, float* workspace) {
    data_ = data;
    zero_pixel_ = workspace + zeros_;
    tail_copy_ = workspace + tail_;
    std::fill_n(workspace + zeros_, padded_, 0.0f);
    std::fill_n(workspace + tail_, 2 * padded_, 0.0f);
    std::copy(data + tail_start_, data + images_.floats(), workspace + tail_);
  }

  // Pointers to a square of pixels.
  void find(std::int64_t image, std::int64_t y, std::int64_t x, int edge, const float** to) const {
    for (int i = 0; i < edge; ++i)
      for (int j = 0; j < edge; ++j) *to++ = pixel(image, y + i, x + j);
  }

 private:
  const float* pixel(std::int64_t image, std::int64_t y, std::int64_t x) const {
    if (y < 0 || x < 0 || y >= images_.height || x >= images_.width) return zero_pixel_;
    const std::int64_t at = ((image * images_.height + y) * images_.width + x) * images_.channels;
    return at + padded_ > images_.floats() ? tail_copy_ + (at - tail_start_) : data_ + at;
  }

  Images images_;
  std::int64_t padded_, tail_start_, zeros_, tail_;
  const float* data_ = nullptr;
  const float *zero_pixel_ = nullptr, *tail_copy_ = nullptr;
};

// How the images of a convolution fall into tiles: a tile of y, and the pixels of x around it.
struct Tiling {
  const WinogradTiles& tiles;
  Images x, y;
  std::int64_t padding_y, padding_x;
  std::int64_t rows = ceil_divide(y.height, tiles.size);
  std::int64_t columns = ceil_divide(y.width, tiles.size);

  std::int64_t count() const { return y.count * rows * columns; }

  struct Place {
    std::int64_t image, y, x;
  };
  Place place(std::int64_t tile) const {
    return {tile / (rows * columns), tile / columns % rows * tiles.size,
            tile % columns * tiles.size};
  }
  void find_inputs(const Pixels& pixels, std::int64_t tile, const float** to) const {
    const Place at = place(tile);
    pixels.find(at.image, at.y - padding_y, at.x - padding_x, tiles.size + 2, to);
  }
  void find_outputs(const Pixels& pixels, std::int64_t tile, const float** to) const {
    const Place at = place(tile);
    pixels.find(at.image, at.y, at.x, tiles.size, to);
  }
};

Tiling make_tiling(const ConvolutionGeometry& g, int size, bool backwards) {
  const Images x{g.batch, g.input[1], g.input[2], g.inputs};
  const Images y{g.batch, g.output[1], g.output[2], g.outputs};
  const auto& padding = g.window.padding_before;
  if (backwards) return {winograd_tiles(size), y, x, 2 - padding[1], 2 - padding[2]};
  return {winograd_tiles(size), x, y, padding[1], padding[2]};
}

// The convolution or, backwards, its gradient.
class WinogradProduct final : public ConvolutionKernel {
 public:
  WinogradProduct(const Problem& problem, int size)
      : geometry_(ConvolutionGeometry::of(problem)),
        backwards_(problem.op == "convolution_input_gradient"),
        epilogue_(ConvolutionAttributes::from(problem.attributes).epilogue),
        tiling_(make_tiling(geometry_, size, backwards_)),
        pixels_(tiling_.x, regions_) {
    const MicroKernel& kernel = micro_kernel();
    const std::int64_t most = kernel.padded_rows(tiling_.count());
    block_ = std::min(kernel.padded_rows(kBlock), most);
    x_line_ = kernel.padded_columns(tiling_.x.channels);
    y_line_ = kernel.padded_columns(tiling_.y.channels);
    filter_stride_ = odd_lines(tiling_.x.channels * y_line_);
    x_stride_ = odd_lines(block_ * x_line_);
    y_stride_ = odd_lines(block_ * y_line_);
    filters_ = regions_.add(tiling_.tiles.points * filter_stride_);
    for (int worker = 0; worker < threads(); ++worker)
      scratch_.push_back(regions_.add(tiling_.tiles.points * (x_stride_ + y_stride_)));
  }

  std::size_t workspace() const override { return regions_.bytes(); }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    pixels_.prepare(arguments.inputs[0].as<float>(), workspace);
    transform_filters(arguments.inputs[1].as<float>(), workspace + filters_);
    for_each_task(ceil_divide(tiling_.count(), block_), static_cast<std::int64_t>(scratch_.size()),
                  [&](std::int64_t task, std::int64_t worker) {
                    run(task * block_, arguments,
                        workspace + scratch_[static_cast<std::size_t>(worker)]);
                  });
    if (epilogue_.dropout.rate > 0) drop_channels_last(geometry_, epilogue_.dropout, arguments);
  }

 private:
  static constexpr std::int64_t kBlock = 24;  ///< tiles whose points stay in the cache

  void transform_filters(const float* w, float* to) const {
    const std::int64_t c_stride = 9, k_stride = 9 * geometry_.inputs;
    const FilterView view{w,
                          backwards_ ? c_stride : k_stride,
                          backwards_ ? k_stride : c_stride,
                          tiling_.x.channels,
                          tiling_.y.channels,
                          backwards_};
    parallel_for(view.x_channels, 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c)
        tiling_.tiles.filter(view, {{to, filter_stride_}, c, view.x_channels});
    });
  }

  void run(std::int64_t first, const LaunchArguments& arguments, float* scratch) const {
    const std::int64_t count = std::min(block_, tiling_.count() - first);
    float* y_points = scratch + tiling_.tiles.points * x_stride_;
    std::array<const float*, kMostPoints> inputs;
    for (std::int64_t t = 0; t < count; ++t) {
      tiling_.find_inputs(pixels_, first + t, inputs.data());
      tiling_.tiles.data(inputs.data(), tiling_.x.channels, {scratch + t * x_line_, x_stride_});
    }
    const float* filters = static_cast<const float*>(arguments.workspace) + filters_;
    for (int e = 0; e < tiling_.tiles.points; ++e)
      multiply_packed({scratch + e * x_stride_, x_line_, 1, filters + e * filter_stride_,
                       tiling_.x.channels, y_points + e * y_stride_, y_line_, false},
                      count, tiling_.y.channels);
    for (std::int64_t t = 0; t < count; ++t)
      write(first + t, {y_points + t * y_line_, y_stride_}, arguments);
  }

  void write(std::int64_t tile, const PointMatrices& points,
             const LaunchArguments& arguments) const {
    const int size = tiling_.tiles.size;
    const Images& y = tiling_.y;
    const Tiling::Place at = tiling_.place(tile);
    float* corner = arguments.outputs[0].as<float>() +
                    ((at.image * y.height + at.y) * y.width + at.x) * y.channels;
    std::array<float*, kMostPoints> pixels{};
    for (int i = 0; i < size && at.y + i < y.height; ++i)
      for (int j = 0; j < size && at.x + j < y.width; ++j)
        pixels[static_cast<std::size_t>(i * size + j)] = corner + (i * y.width + j) * y.channels;
    tiling_.tiles.result(points, backwards_ ? nullptr : arguments.inputs[2].as<float>(),
                         epilogue_.activation == Activation::relu, y.channels, pixels.data());
  }

  ConvolutionGeometry geometry_;
  bool backwards_;
  DenseAttributes epilogue_;
  Tiling tiling_;
  Regions regions_;
  Pixels pixels_;
  std::int64_t block_, x_line_, y_line_, filter_stride_, x_stride_, y_stride_, filters_;
  std::vector<std::int64_t> scratch_;  ///< a worker's points of x, then of y
};

class WinogradFilterGradient final : public ConvolutionKernel {
 public:
  WinogradFilterGradient(const Problem& problem, int size)
      : tiling_(make_tiling(ConvolutionGeometry::of(problem), size, false)),
        x_pixels_(tiling_.x, regions_),
        y_pixels_(tiling_.y, regions_) {
    const MicroKernel& kernel = micro_kernel();
    const std::int64_t points = tiling_.tiles.points, lanes = kernel.lanes;
    y_line_ = kernel.padded_columns(tiling_.y.channels);
    slices_ = ceil_divide(points * tiling_.x.channels * y_line_, kSums);
    slice_ = kernel.padded_columns(ceil_divide(tiling_.x.channels, slices_));
    slices_ = ceil_divide(tiling_.x.channels, slice_);
    parts_ = std::clamp<std::int64_t>(tiling_.count() / kPart, 1, ceil_divide(kTasks, slices_));
    x_line_ = std::max(kernel.padded_rows(slice_), ceil_divide(slice_, lanes) * lanes);
    x_stride_ = odd_lines(kBlock * x_line_);
    y_stride_ = odd_lines(kBlock * y_line_);
    sum_stride_ = odd_lines(kernel.padded_rows(slice_) * y_line_);
    for (std::int64_t task = 0; task < tasks(); ++task)
      sums_.push_back(regions_.add(points * sum_stride_ + y_line_));
    for (int worker = 0; worker < threads(); ++worker)
      scratch_.push_back(regions_.add(points * (x_stride_ + y_stride_)));
  }

  std::size_t workspace() const override { return regions_.bytes(); }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    x_pixels_.prepare(arguments.inputs[0].as<float>(), workspace);
    y_pixels_.prepare(arguments.inputs[1].as<float>(), workspace);
    for_each_task(tasks(), static_cast<std::int64_t>(scratch_.size()),
                  [&](std::int64_t task, std::int64_t worker) {
                    sum(task, workspace + sums_[static_cast<std::size_t>(task)],
                        workspace + scratch_[static_cast<std::size_t>(worker)]);
                  });
    float* dw = arguments.outputs[0].as<float>();
    parallel_for(tiling_.x.channels, 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) finish(c, workspace, dw);
    });
    finish_bias(workspace, arguments.outputs[1].as<float>());
  }

 private:
  static constexpr std::int64_t kBlock = 48;         ///< tiles whose points stay in the cache
  static constexpr std::int64_t kSums = 400 * 1024;  ///< floats of a task's sums, at most
  static constexpr std::int64_t kTasks = 8;
  static constexpr std::int64_t kPart = 128;  ///< tiles that are worth sums of their own

  std::int64_t tasks() const { return slices_ * parts_; }

  // A slice of the channels of x over a part of the tiles. The sums of dy follow those of dw.
  void sum(std::int64_t task, float* sums, float* scratch) const {
    const std::int64_t part = task % parts_, channel = task / parts_ * slice_;
    const std::int64_t width = std::min(slice_, tiling_.x.channels - channel);
    const std::int64_t blocks = ceil_divide(tiling_.count(), kBlock);
    const std::int64_t end = std::min(tiling_.count(), blocks * (part + 1) / parts_ * kBlock);
    float* bias_sums = sums + tiling_.tiles.points * sum_stride_;
    std::fill(sums, bias_sums + y_line_, 0.0f);
    for (std::int64_t first = blocks * part / parts_ * kBlock; first < end; first += kBlock) {
      const std::int64_t count = std::min(kBlock, end - first);
      const float* y_points = transform(first, count, channel, width, scratch);
      for (int e = 0; e < tiling_.tiles.points; ++e)
        multiply_packed({scratch + e * x_stride_, 1, x_line_, y_points + e * y_stride_, count,
                         sums + e * sum_stride_, y_line_, true},
                        width, tiling_.y.channels);
      if (channel == 0) add_bias(y_points, count, bias_sums);
    }
  }

  // The points of dy, behind those of x.
  const float* transform(std::int64_t first, std::int64_t count, std::int64_t channel,
                         std::int64_t width, float* scratch) const {
    const WinogradTiles& tiles = tiling_.tiles;
    float* y_points = scratch + tiles.points * x_stride_;
    std::array<const float*, kMostPoints> pixels;
    for (std::int64_t t = 0; t < count; ++t) {
      tiling_.find_inputs(x_pixels_, first + t, pixels.data());
      for (int e = 0; e < tiles.points; ++e) pixels[static_cast<std::size_t>(e)] += channel;
      tiles.data(pixels.data(), width, {scratch + t * x_line_, x_stride_});
      tiling_.find_outputs(y_pixels_, first + t, pixels.data());
      tiles.result_gradient(pixels.data(), tiling_.y.channels, {{y_points, y_stride_}, t, count});
    }
    return y_points;
  }

  // The point (1, 1) of a tile of dy is the sum of its pixels.
  void add_bias(const float* y_points, std::int64_t count, float* sums) const {
    const MicroKernel& kernel = micro_kernel();
    const float* points = y_points + (tiling_.tiles.size + 3) * y_stride_;
    for (std::int64_t k = 0; k < tiling_.y.channels; k += kernel.lanes)
      for (std::int64_t t = 0; t < count; ++t) {
        const float* line = points + kernel.packed_offset(t, k, count, tiling_.y.channels);
        for (int lane = 0; lane < kernel.lanes; ++lane) sums[k + lane] += line[lane];
      }
  }

  // Adds up the parts of channel c of x, in those of the first one.
  void finish(std::int64_t c, float* workspace, float* dw) const {
    const auto task = static_cast<std::size_t>(c / slice_ * parts_);
    const std::int64_t line = c % slice_ * y_line_;
    float* total = workspace + sums_[task] + line;
    for (std::size_t part = 1; part < static_cast<std::size_t>(parts_); ++part) {
      const float* sums = workspace + sums_[task + part] + line;
      for (int e = 0; e < tiling_.tiles.points; ++e)
        for (std::int64_t k = 0; k < y_line_; ++k)
          total[e * sum_stride_ + k] += sums[e * sum_stride_ + k];
    }
    tiling_.tiles.filter_gradient({total, sum_stride_}, tiling_.y.channels, dw + 9 * c,
                                  9 * tiling_.x.channels);
  }

  void finish_bias(const float* workspace, float* db) const {
    std::fill_n(db, tiling_.y.channels, 0.0f);
    for (std::size_t part = 0; part < static_cast<std::size_t>(parts_); ++part) {
      const float* sums = workspace + sums_[part] + tiling_.tiles.points * sum_stride_;
      for (std::int64_t k = 0; k < tiling_.y.channels; ++k) db[k] += sums[k];
    }
  }

  Tiling tiling_;
  Regions regions_;
  Pixels x_pixels_, y_pixels_;
  std::int64_t slices_, slice_, parts_;  ///< of the channels of x, of the tiles
  std::int64_t x_line_, y_line_, x_stride_, y_stride_, sum_stride_;
  std::vector<std::int64_t> sums_;     ///< of a task
  std::vector<std::int64_t> scratch_;  ///< a worker's points of x, then of dy
};

std::string refuse_winograd(const Problem& problem) {
  const auto g = ConvolutionGeometry::of(problem);
  const Extents3 one{1, 1, 1};
  if (g.window.rank != 2 || g.filter != Extents3{1, 3, 3}) return "takes filters of 3 x 3";
  if (g.window.stride != one || g.window.dilation != one || g.groups != 1)
    return "takes a stride, dilation and groups of 1";
  if (g.empty()) return "there is nothing to multiply";
  return "";
}

std::unique_ptr<ConvolutionKernel> make_winograd(const Problem& problem,
                                                 const std::string& configuration) {
  const int size = configuration == "4x4" ? 4 : 2;
  if (problem.op == "convolution_weight_gradient")
    return std::make_unique<WinogradFilterGradient>(problem, size);
  return std::make_unique<WinogradProduct>(problem, size);
}

}  // namespace

ConvolutionFamily winograd_convolution() {
  return {"cpu.winograd", {"4x4", "2x2"},         refuse_winograd,
          make_winograd,  kWinogradAmplification, Exactness::multiples};
}

}  // namespace engine::cpu
