// Around the library's calls: parameters in its order and back, and sequences with their steps
// first, in the order in which it goes through them.
//
// What the library keeps of a forward pass is in a format of its own. So a gradient reads neither
// gates nor y, and goes through the layer once more.
#include "kernels/cudnn/rnn_kernels.h"

#include <array>
#include <vector>

#include "kernels/cuda/recurrent_copies.h"
#include "kernels/cuda/recurrent_products.h"

namespace engine::cuda {
namespace {

// Our gates in the library's order: i, f, g, o are its own; z, r, n it has as r, z, n.
std::array<int, 4> gate_order(const RecurrentCell& cell) {
  return cell.states == 2 ? std::array{0, 1, 2, 3} : std::array{1, 0, 2, 3};
}

// What a layer and its gradient have in common: the way into the library.
class RnnLayer : public RnnKernel {
 public:
  std::size_t workspace() const override { return regions_.bytes(); }

 protected:
  RnnLayer(const Problem& problem, const RecurrentCell& cell, bool gradient, CudnnHandle& handle,
           std::unique_ptr<LibraryRnn> rnn)
      : cell_(cell),
        attributes_(RecurrentAttributes::from(problem.attributes)),
        places_(attributes_, cell, gradient),
        extents_(RecurrentExtents::of(problem, cell)),
        handle_(handle),
        rnn_(std::move(rnn)) {
    weights_ = regions_.take_bytes(rnn_->weight_bytes());
    work_ = regions_.take_bytes(rnn_->work_bytes());
    reserve_ = regions_.take_bytes(rnn_->reserve_bytes());
    x_ = regions_.take_floats(rows() * extents_.inputs);
    y_ = regions_.take_floats(rows() * extents_.units);
  }

  std::int64_t rows() const { return extents_.steps * extents_.sequences; }

  static float* floats(const LaunchArguments& arguments, std::size_t region) {
    return reinterpret_cast<float*>(static_cast<std::byte*>(arguments.workspace) + region);
  }
  static const float* input(const LaunchArguments& arguments, std::size_t place) {
    return arguments.inputs[place].as<float>();
  }
  static float* output(const LaunchArguments& arguments, std::size_t place) {
    return arguments.outputs[place].as<float>();
  }
  static cudaStream_t native_stream(const LaunchArguments& arguments) {
    return static_cast<cudaStream_t>(arguments.stream.native());
  }
  RnnMemory memory(const LaunchArguments& arguments) const {
    return {floats(arguments, weights_), floats(arguments, work_),
            rnn_->reserve_bytes() == 0 ? nullptr : floats(arguments, reserve_)};
  }
  Sequences sequences(std::int64_t features) const {
    return {static_cast<unsigned>(extents_.sequences), static_cast<unsigned>(extents_.steps),
            static_cast<unsigned>(features), attributes_.reverse};
  }

  /// The operands in the workspace: x is moved there, y will be. Final states are not stored.
  RnnOperands load(const LaunchArguments& arguments) const {
    RnnOperands o{floats(arguments, x_), floats(arguments, y_), {}, {}};
    launch_steps_first(input(arguments, places_.x), floats(arguments, x_),
                       sequences(extents_.inputs), native_stream(arguments));
    if (attributes_.initial)
      for (int state = 0; state < cell_.states; ++state)
        o.initial[state] = input(arguments, places_.initial + static_cast<std::size_t>(state));
    return o;
  }

  /// A parameter of ours, [rows, blocks of H], and one of the library's, [H, rows].
  struct Block {
    std::size_t of;  ///< 0 to 2: w, r, b
    std::int64_t offset, stride, rows;
    float* library;
  };
  std::vector<Block> blocks(cudnnHandle_t handle, void* weights) const {
    const std::vector<RnnGate> gates = rnn_->gates(handle, weights);
    const std::array<int, 4> order = gate_order(cell_);
    const std::int64_t units = extents_.units, columns = cell_.input_gates * units;
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < gates.size(); ++i) {
      const bool of_r = i >= gates.size() / 2;
      const std::int64_t gate = order[of_r ? i - gates.size() / 2 : i] * units;
      blocks.push_back(
          {of_r ? 1u : 0u, gate, columns, of_r ? units : extents_.inputs, gates[i].matrix});
      if (!of_r || cell_.two_biases)
        blocks.push_back({2, (of_r ? columns : 0) + gate, columns, 1, gates[i].bias});
    }
    return blocks;
  }

  /// The library's second bias of a cell with one is 0, as is what may lie between parameters.
  void pack_parameters(const LaunchArguments& arguments, cudnnHandle_t handle) const {
    float* weights = floats(arguments, weights_);
    arguments.stream.fill(weights, 0, rnn_->weight_bytes());
    const std::array<const float*, 3> ours{input(arguments, places_.w), input(arguments, places_.r),
                                           input(arguments, places_.b)};
    std::vector<Transposition> list;
    for (const Block& block : blocks(handle, weights)) {
      const auto rows = static_cast<int>(block.rows);
      list.push_back({ours[block.of] + block.offset, static_cast<int>(block.stride), block.library,
                      rows, rows, static_cast<int>(extents_.units)});
    }
    launch_transpositions(list, native_stream(arguments));
  }

  const RecurrentCell& cell_;
  RecurrentAttributes attributes_;
  RecurrentPlaces places_;
  RecurrentExtents extents_;
  CudnnHandle& handle_;
  std::unique_ptr<LibraryRnn> rnn_;
  WorkspaceRegions regions_;
  std::size_t weights_, work_, reserve_, x_, y_;
};

class RnnForward final : public RnnLayer {
 public:
  RnnForward(const Problem& problem, const RecurrentCell& cell, CudnnHandle& handle,
             std::unique_ptr<LibraryRnn> rnn)
      : RnnLayer(problem, cell, false, handle, std::move(rnn)), results_(attributes_, cell) {}

  void launch(const LaunchArguments& arguments) override {
    const cudnnHandle_t handle = handle_.on(arguments.stream);
    pack_parameters(arguments, handle);
    RnnOperands o = load(arguments);
    for (int state = 0; state < cell_.states; ++state)
      o.states[state] = output(arguments, results_.states + static_cast<std::size_t>(state));
    rnn_->forward(handle, o, memory(arguments));
    launch_sequences_first(o.y, output(arguments, results_.y), sequences(extents_.units),
                           native_stream(arguments));
  }

 private:
  RecurrentResults results_;
};

class RnnBackward final : public RnnLayer {
 public:
  RnnBackward(const Problem& problem, const RecurrentCell& cell, CudnnHandle& handle,
              std::unique_ptr<LibraryRnn> rnn)
      : RnnLayer(problem, cell, true, handle, std::move(rnn)), results_(attributes_, cell) {
    dy_ = regions_.take_floats(rows() * extents_.units);
    dx_ = regions_.take_floats(rows() * extents_.inputs);
    gradients_ = regions_.take_bytes(rnn_->weight_bytes());
  }

  void launch(const LaunchArguments& arguments) override {
    const cudnnHandle_t handle = handle_.on(arguments.stream);
    const RnnMemory memory = this->memory(arguments);
    pack_parameters(arguments, handle);
    const RnnOperands o = load(arguments);
    const RnnGradients d = load_gradients(arguments);
    float* gradients = floats(arguments, gradients_);
    arguments.stream.fill(gradients, 0, rnn_->weight_bytes());
    rnn_->forward(handle, o, memory);
    rnn_->backward_data(handle, o, d, memory);
    rnn_->backward_weights(handle, o, memory, gradients);
    unpack_gradients(arguments, handle, gradients);
    if (attributes_.input_gradient)
      launch_sequences_first(d.dx, output(arguments, results_.dx), sequences(extents_.inputs),
                             native_stream(arguments));
  }

 private:
  RnnGradients load_gradients(const LaunchArguments& arguments) const {
    float* dy = floats(arguments, dy_);
    RnnGradients d{dy, {}, floats(arguments, dx_), {}};
    if (attributes_.sequence_gradient)
      launch_steps_first(input(arguments, places_.dy), dy, sequences(extents_.units),
                         native_stream(arguments));
    else
      arguments.stream.fill(dy, 0,
                            static_cast<std::size_t>(rows() * extents_.units) * sizeof(float));
    for (int state = 0; state < cell_.states; ++state) {
      const auto i = static_cast<std::size_t>(state);
      if (attributes_.state_gradients) d.dstates[state] = input(arguments, places_.dstates + i);
      if (attributes_.initial) d.dinitial[state] = output(arguments, results_.initial + i);
    }
    return d;
  }

  void unpack_gradients(const LaunchArguments& arguments, cudnnHandle_t handle,
                        float* gradients) const {
    const std::array<std::size_t, 3> ours{results_.dw, results_.dr, results_.db};
    std::vector<Transposition> list;
    for (const Block& block : blocks(handle, gradients)) {
      const auto rows = static_cast<int>(block.rows);
      list.push_back({block.library, rows, output(arguments, ours[block.of]) + block.offset,
                      static_cast<int>(block.stride), static_cast<int>(extents_.units), rows});
    }
    launch_transpositions(list, native_stream(arguments));
  }

  RecurrentGradients results_;
  std::size_t dy_, dx_, gradients_;
};

}  // namespace

std::unique_ptr<RnnKernel> make_rnn_kernel(const Problem& problem, const RecurrentCell& cell,
                                           CudnnHandle& handle, std::unique_ptr<LibraryRnn> rnn) {
  if (problem.op == cell.op)
    return std::make_unique<RnnForward>(problem, cell, handle, std::move(rnn));
  return std::make_unique<RnnBackward>(problem, cell, handle, std::move(rnn));
}

}  // namespace engine::cuda
