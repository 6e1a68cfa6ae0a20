// The gradient of a recurrent layer: the chain leaves the gradients at all products in the
// workspace, and those of parameters and x are products over all rows.
#include "kernels/cuda/recurrent_chain.h"
#include "kernels/cuda/recurrent_copies.h"
#include "kernels/cuda/recurrent_states.h"

namespace engine::cuda {
namespace {

class BackwardChain final : public RecurrentChain {
 public:
  BackwardChain(const Problem& problem, const RecurrentKernels& kernels, const ChainChoice& choice,
                Device& device)
      : RecurrentChain(problem, kernels, choice, true), results_(attributes_, kernels.cell) {
    prepare_gradients(device);
    if (choice.persistent == nullptr)
      prepare_steps(device);
    else
      transposed_ = regions_.take_floats(extents_.units * columns());
    take_product_workspace();
  }

  void launch(const LaunchArguments& arguments) override {
    const BackwardLayer layer = this->layer(arguments);
    if (choice_.persistent != nullptr)
      run_blocks(layer, arguments);
    else
      run_steps(layer, arguments);
    add_up_parameters(layer, arguments);
    if (attributes_.input_gradient)
      x_gradient_.launch({layer.dz, input(arguments, places_.w)}, {output(arguments, results_.dx)},
                         floats(arguments, product_workspace_), arguments.stream);
  }

 private:
  bool separate() const { return kernels_.late || kernels_.two_gradients; }
  static float* output(const LaunchArguments& arguments, std::size_t place) {
    return arguments.outputs[place].as<float>();
  }

  void prepare_gradients(Device& device) {
    const std::int64_t units = extents_.units;
    dz_ = regions_.take_floats(rows() * columns());
    if (separate()) dq_ = take_gates(rows());
    state_rows_ = regions_.take_floats(rows() * units);
    operand_rows_ = regions_.take_floats(kernels_.late ? rows() * units : 0);
    if (kernels_.late) dr_ = take_gates(units);
    column_sums_ = regions_.take_floats(columns());
    w_gradient_ = make_product(weight_gradient_problem(rows(), extents_.inputs, columns(), math_),
                               ProductShape::sums, device);
    for (int part = 0; part < kernels_.part_count(); ++part)
      r_gradients_[part] = make_product(
          weight_gradient_problem(rows(), units, kernels_.parts()[part] * units, math_),
          ProductShape::sums, device);
    if (attributes_.input_gradient)
      x_gradient_ = make_product(input_gradient_problem(rows(), extents_.inputs, columns(), math_),
                                 ProductShape::rows, device);
  }

  void prepare_steps(Device& device) {
    dh_ = regions_.take_floats(states());
    dc_ = regions_.take_floats(states());
    ds_ = regions_.take_floats(states());
    d_operand_ = regions_.take_floats(kernels_.late ? states() : 0);
    step_dq_ = take_gates(extents_.sequences);
    for (int part = 0; part < kernels_.part_count(); ++part)
      s_gradients_[part] =
          make_product(input_gradient_problem(extents_.sequences, extents_.units,
                                              kernels_.parts()[part] * extents_.units, math_),
                       ProductShape::step, device);
  }

  BackwardLayer layer(const LaunchArguments& arguments) const {
    BackwardLayer layer{sequences(arguments)};
    layer.dy = input(arguments, places_.dy);
    layer.y = input(arguments, places_.y);
    layer.gates = input(arguments, places_.gates);
    layer.cells = input(arguments, places_.cells);
    layer.dz = floats(arguments, dz_);
    layer.dq = separate() ? gates(arguments, dq_) : GateRows{layer.dz, nullptr};
    for (int state = 0; state < kernels_.cell.states; ++state) {
      const auto i = static_cast<std::size_t>(state);
      if (attributes_.state_gradients) layer.dstates[state] = input(arguments, places_.dstates + i);
      if (!attributes_.initial) continue;
      layer.initial[state] = input(arguments, places_.initial + i);
      layer.dinitial[state] = output(arguments, results_.initial + i);
    }
    return layer;
  }

  void run_blocks(BackwardLayer layer, const LaunchArguments& arguments) const {
    const cudaStream_t stream = native_stream(arguments);
    float* transposed = floats(arguments, transposed_);
    const int units = layer.units, width = static_cast<int>(columns());
    const Transposition r[] = {
        {input(arguments, places_.r), width, transposed, units, units, width}};
    launch_transpositions(r, stream);
    layer.transposed_r = transposed;
    choice_.persistent->backward.run(layer, stream);
  }

  void run_steps(const BackwardLayer& layer, const LaunchArguments& arguments) const {
    const cudaStream_t stream = native_stream(arguments);
    const BackwardBuffers buffers{floats(arguments, dh_), floats(arguments, dc_),
                                  gates(arguments, step_dq_), floats(arguments, ds_),
                                  floats(arguments, d_operand_)};
    const auto r = split(input(arguments, places_.r), arguments);
    const auto multiply = [&](int part, const float* dq, float* to) {
      s_gradients_[part].launch({dq, r[part]}, {to}, floats(arguments, product_workspace_),
                                arguments.stream);
    };
    launch_first_gradients(layer, buffers, stream);
    for (int k = layer.steps - 1; k >= 0; --k) {
      kernels_.backward_step(layer, buffers, k, stream);
      if (kernels_.late) {
        multiply(1, buffers.dq.late, buffers.d_operand);
        kernels_.reset_backward_step(layer, buffers, k, stream);
      }
      multiply(0, buffers.dq.first, buffers.ds);
    }
    if (attributes_.initial) launch_last_gradients(layer, buffers, stream);
  }

  void add_up_parameters(const BackwardLayer& layer, const LaunchArguments& arguments) const {
    const cudaStream_t stream = native_stream(arguments);
    void* workspace = floats(arguments, product_workspace_);
    float *dr = output(arguments, results_.dr), *db = output(arguments, results_.db);
    float* column_sums = floats(arguments, column_sums_);
    const GateRows states{floats(arguments, state_rows_), floats(arguments, operand_rows_)};
    launch_state_rows(layer, kernels_.cell.gates, states.first,
                      kernels_.late ? states.late : nullptr, stream);
    w_gradient_.launch({input(arguments, places_.x), layer.dz},
                       {output(arguments, results_.dw), db}, workspace, arguments.stream);
    if (kernels_.late) {
      const GateRows parts = gates(arguments, dr_);
      r_gradients_[0].launch({states.first, layer.dq.first}, {parts.first, column_sums}, workspace,
                             arguments.stream);
      r_gradients_[1].launch({states.late, layer.dq.late}, {parts.late, column_sums}, workspace,
                             arguments.stream);
      const int units = layer.units, width = static_cast<int>(columns());
      launch_block_copy(parts.first, 2 * units, dr, width, units, 2 * units, stream);
      launch_block_copy(parts.late, units, dr + 2 * units, width, units, units, stream);
      return;
    }
    r_gradients_[0].launch({states.first, layer.dq.first}, {dr, column_sums}, workspace,
                           arguments.stream);
    // Not summed there: half of db need not be aligned.
    const auto width = static_cast<int>(columns());
    if (kernels_.cell.two_biases)
      launch_block_copy(column_sums, width, db + columns(), width, 1, width, stream);
  }

  RecurrentGradients results_;
  DenseProduct w_gradient_, x_gradient_;
  std::array<DenseProduct, 2> r_gradients_, s_gradients_;
  std::size_t dz_ = 0, state_rows_ = 0, operand_rows_ = 0, column_sums_ = 0, transposed_ = 0;
  std::size_t dh_ = 0, dc_ = 0, ds_ = 0, d_operand_ = 0;
  GateRegions dq_{}, dr_{}, step_dq_{};
};

}  // namespace

std::unique_ptr<RecurrentChain> make_backward_chain(const Problem& problem,
                                                    const RecurrentKernels& kernels,
                                                    const ChainChoice& choice, Device& device) {
  return std::make_unique<BackwardChain>(problem, kernels, choice, device);
}

}  // namespace engine::cuda
