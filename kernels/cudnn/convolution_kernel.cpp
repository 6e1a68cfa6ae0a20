#include "kernels/cudnn/convolution_kernel.h"

#include "kernels/cuda/launchers.h"

namespace engine::cuda {
namespace {

std::size_t aligned(std::size_t bytes) {
  return (bytes + 255) / 256 * 256;
}

SwappedAxes filter_axes(const ConvolutionGeometry& g) {
  return {g.outputs, g.group_inputs(), g.filter_positions()};
}

/// Whether the library's filter has its elements in another order, or of another type.
struct FilterCopy {
  bool moved, narrowed;

  static FilterCopy of(const ConvolutionProblem& p) {
    const SwappedAxes axes = filter_axes(p.geometry);
    return {p.channels_last() && axes.rows > 1 && axes.columns > 1,
            p.w.type == CUDNN_DATA_BFLOAT16};
  }
  bool needed() const { return moved || narrowed; }
};

class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const Problem& problem, Device& device,
                    std::unique_ptr<LibraryConvolution> product)
      : problem_(ConvolutionProblem::of(problem)),
        epilogue_(ConvolutionAttributes::from(problem.attributes).epilogue),
        product_(std::move(product)),
        handle_(product_ == nullptr ? nullptr : &CudnnHandle::of(device)) {}

  void launch(const LaunchArguments& arguments) override {
    const TensorView& out = arguments.outputs[0];
    if (product_ != nullptr)
      multiply(arguments);
    else if (out.type.bytes() > 0)
      arguments.stream.fill(out.data, 0, out.type.bytes());
    if (problem_.direction == Direction::forward) finish(arguments);
    if (problem_.direction == Direction::weight_gradient)
      launch_channel_sums(arguments.stream, arguments.inputs[1], arguments.outputs[1].as<float>());
  }

 private:
  void multiply(const LaunchArguments& arguments) {
    void* first = arguments.inputs[0].data;
    void* second = arguments.inputs[1].data;
    void* out = arguments.outputs[0].data;
    void* library = arguments.workspace;
    const FilterCopy copy = FilterCopy::of(problem_);
    void* filter = static_cast<std::byte*>(library) + aligned(product_->workspace());
    const cudnnHandle_t handle = handle_->on(arguments.stream);
    if (problem_.direction == Direction::weight_gradient) {
      product_->launch(handle, {first, copy.moved ? filter : out, second}, library);
      if (copy.moved) unpack_filter(arguments.stream, filter, out);
      return;
    }
    if (copy.needed()) pack_filter(arguments.stream, copy, second, filter);
    void* w = copy.needed() ? filter : second;
    product_->launch(handle,
                     problem_.direction == Direction::forward ? ConvolutionOperands{first, w, out}
                                                              : ConvolutionOperands{out, w, first},
                     library);
  }

  void pack_filter(Stream& stream, const FilterCopy& copy, const void* from, void* to) const {
    const auto* w = static_cast<const float*>(from);
    const SwappedAxes axes = filter_axes(problem_.geometry);
    if (!copy.moved)
      launch_narrow(stream, w, static_cast<bfloat16*>(to), axes.outer * axes.rows * axes.columns);
    else if (copy.narrowed)
      launch_swap(stream, w, static_cast<bfloat16*>(to), axes);
    else
      launch_swap(stream, w, static_cast<float*>(to), axes);
  }

  void unpack_filter(Stream& stream, const void* from, void* to) const {
    const SwappedAxes axes = filter_axes(problem_.geometry);
    launch_swap(stream, static_cast<const float*>(from), static_cast<float*>(to),
                {axes.outer, axes.columns, axes.rows});
  }

  // One kernel of ours for all of it: cudnnAddTensor would be a pass over y of its own, with a bias
  // rounded to y's type, and cuDNN's ReLU need not keep a NaN.
  void finish(const LaunchArguments& arguments) const {
    const std::int64_t* step =
        epilogue_.dropout.rate > 0 ? arguments.inputs[3].as<std::int64_t>() : nullptr;
    launch_convolution_epilogue(arguments.stream, arguments.outputs[0],
                                arguments.inputs[2].as<float>(), epilogue_, step);
  }

  ConvolutionProblem problem_;
  DenseAttributes epilogue_;
  std::unique_ptr<LibraryConvolution> product_;
  CudnnHandle* handle_;
};

}  // namespace

std::size_t convolution_workspace(const ConvolutionProblem& problem, std::size_t library_bytes) {
  if (!FilterCopy::of(problem).needed()) return library_bytes;
  const SwappedAxes axes = filter_axes(problem.geometry);
  const std::size_t element = problem.w.type == CUDNN_DATA_BFLOAT16 ? 2 : 4;
  return aligned(library_bytes) +
         static_cast<std::size_t>(axes.outer * axes.rows * axes.columns) * element;
}

std::unique_ptr<Kernel> make_convolution_kernel(const Problem& problem, Device& device,
                                                std::unique_ptr<LibraryConvolution> product) {
  return std::make_unique<ConvolutionKernel>(problem, device, std::move(product));
}

Configuration empty_configuration() {
  return {"empty", 0, true};
}

}  // namespace engine::cuda
