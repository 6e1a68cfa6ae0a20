// A recurrent layer: x·w + b of all steps as one product into the workspace, then the chain.
#include "kernels/cuda/recurrent_chain.h"
#include "kernels/cuda/recurrent_copies.h"
#include "kernels/cuda/recurrent_states.h"

namespace engine::cuda {
namespace {

class ForwardChain final : public RecurrentChain {
 public:
  ForwardChain(const Problem& problem, const RecurrentKernels& kernels, const ChainChoice& choice,
               Device& device)
      : RecurrentChain(problem, kernels, choice, false), results_(attributes_, kernels.cell) {
    xw_ = regions_.take_floats(rows() * columns());
    x_product_ = make_product(product_problem(rows(), extents_.inputs, columns(), math_),
                              ProductShape::rows, device);
    if (choice.persistent == nullptr) prepare_steps(device);
    take_product_workspace();
  }

  void launch(const LaunchArguments& arguments) override {
    const float *w = input(arguments, places_.w), *b = input(arguments, places_.b);
    x_product_.launch({input(arguments, places_.x), w, b}, {floats(arguments, xw_)},
                      floats(arguments, product_workspace_), arguments.stream);
    ForwardLayer layer = this->layer(arguments);
    if (kernels_.cell.two_biases) layer.recurrent_bias = b + columns();
    if (choice_.persistent != nullptr)
      choice_.persistent->forward.run(layer, native_stream(arguments));
    else
      run_steps(layer, arguments);
  }

 private:
  void prepare_steps(Device& device) {
    s_ = regions_.take_floats(states());
    operand_ = regions_.take_floats(kernels_.late ? states() : 0);
    q_ = take_gates(extents_.sequences);
    bias_ = regions_.take_floats(columns());
    for (int part = 0; part < kernels_.part_count(); ++part)
      s_products_[part] =
          make_product(product_problem(extents_.sequences, extents_.units,
                                       kernels_.parts()[part] * extents_.units, math_),
                       ProductShape::step, device);
  }

  ForwardLayer layer(const LaunchArguments& arguments) const {
    const auto output = [&](std::size_t place) {
      return place == RecurrentResults::kNone ? nullptr : arguments.outputs[place].as<float>();
    };
    const bool two = kernels_.cell.states == 2;
    ForwardLayer layer{sequences(arguments)};
    layer.xw = floats(arguments, xw_);
    layer.initial[0] = input(arguments, places_.initial);
    layer.initial[1] = two && attributes_.initial ? input(arguments, places_.initial + 1) : nullptr;
    layer.y = output(results_.y);
    layer.states[0] = output(results_.states);
    layer.states[1] = two ? output(results_.states + 1) : nullptr;
    layer.gates = output(results_.gates);
    layer.cells = output(results_.cells);
    layer.r = input(arguments, places_.r);
    return layer;
  }

  void run_steps(const ForwardLayer& layer, const LaunchArguments& arguments) const {
    const cudaStream_t stream = native_stream(arguments);
    const ForwardBuffers buffers{floats(arguments, s_), floats(arguments, operand_),
                                 gates(arguments, q_)};
    // Aligned, which half of b need not be; zeros serve either part.
    float* bias = floats(arguments, bias_);
    const auto width = static_cast<int>(columns());
    if (layer.recurrent_bias != nullptr)
      launch_block_copy(layer.recurrent_bias, width, bias, width, 1, width, stream);
    else
      arguments.stream.fill(bias, 0, static_cast<std::size_t>(width) * sizeof(float));
    const auto r = split(layer.r, arguments);
    const auto multiply = [&](int part, const float* state, float* q) {
      s_products_[part].launch({state, r[part], bias}, {q}, floats(arguments, product_workspace_),
                               arguments.stream);
    };
    launch_first_states(layer, buffers.s, stream);
    for (int k = 0; k < layer.steps; ++k) {
      multiply(0, buffers.s, buffers.q.first);
      if (kernels_.late) {
        kernels_.reset_step(layer, buffers, k, stream);
        multiply(1, buffers.operand, buffers.q.late);
      }
      kernels_.forward_step(layer, buffers, k, stream);
    }
  }

  RecurrentResults results_;
  DenseProduct x_product_;
  std::array<DenseProduct, 2> s_products_;
  std::size_t xw_ = 0, s_ = 0, operand_ = 0, bias_ = 0;
  GateRegions q_{};
};

}  // namespace

std::unique_ptr<RecurrentChain> make_forward_chain(const Problem& problem,
                                                   const RecurrentKernels& kernels,
                                                   const ChainChoice& choice, Device& device) {
  return std::make_unique<ForwardChain>(problem, kernels, choice, device);
}

}  // namespace engine::cuda
