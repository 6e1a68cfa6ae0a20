// Sequences are [N, T, ...] here and [T, N, ...] there: the chain reorders them on the way in and
// out. Gates have the same order in both.
#include "kernels/onednn/recurrent_primitives.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels/onednn/chain.h"

namespace engine::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Slot = Chain::Slot;

constexpr auto kF32 = memory::data_type::f32;

memory::desc any(const memory::desc& plain) {
  return {plain.dims(), kF32, Tag::any};
}

// A layer's operands as the engine stores them, and as the primitives are given them.
struct Layer {
  RecurrentExtents n;
  bool lstm, reset_after;
  memory::desc stored_x, stored_y, x, y, state, w, r, bias;
  dnnl::rnn_direction direction;

  Layer(const Problem& problem, const RecurrentCell& cell)
      : n(RecurrentExtents::of(problem, cell)),
        lstm(cell.states == 2),
        reset_after(cell.two_biases),
        stored_x({n.steps, n.sequences, n.inputs}, kF32, Tag::ntc),
        stored_y({n.steps, n.sequences, n.units}, kF32, Tag::ntc),
        x({n.steps, n.sequences, n.inputs}, kF32, Tag::tnc),
        y({n.steps, n.sequences, n.units}, kF32, Tag::tnc),
        state({1, 1, n.sequences, n.units}, kF32, Tag::ldnc),
        w({1, 1, n.inputs, cell.input_gates, n.units}, kF32, Tag::ldigo),
        r({1, 1, n.units, cell.recurrent_gates, n.units}, kF32, Tag::ldigo),
        bias({1, 1, reset_after ? 4 : cell.input_gates, n.units}, kF32, Tag::ldgo),
        direction(RecurrentAttributes::from(problem.attributes).reverse
                      ? dnnl::rnn_direction::unidirectional_right2left
                      : dnnl::rnn_direction::unidirectional_left2right) {}

  dnnl::lstm_forward::primitive_desc lstm_forward() const {
    return {{dnnl::prop_kind::forward_inference, direction, x, state, state, any(w), any(r), bias,
             y, state, state},
            primitive_attributes(),
            cpu_engine()};
  }
  template <class Gru>
  typename Gru::primitive_desc gru_forward() const {
    return {
        {dnnl::prop_kind::forward_inference, direction, x, state, any(w), any(r), bias, y, state},
        primitive_attributes(),
        cpu_engine()};
  }
};

class RnnKernel final : public Kernel {
 public:
  RnnKernel(const Problem& problem, const RecurrentCell& cell)
      : layer_(problem, cell),
        attributes_(RecurrentAttributes::from(problem.attributes)),
        places_(attributes_, cell, false),
        results_(attributes_, cell),
        inputs_(problem.inputs.size()),
        chain_(inputs_ + problem.outputs.size() + 2) {
    if (layer_.lstm)
      append(layer_.lstm_forward());
    else if (layer_.reset_after)
      append(layer_.gru_forward<dnnl::lbr_gru_forward>());
    else
      append(layer_.gru_forward<dnnl::gru_forward>());
  }

  std::size_t workspace() const { return chain_offset() + chain_.workspace(); }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<std::byte*>(arguments.workspace);
    auto* bias = reinterpret_cast<float*>(workspace + aligned(layer_.state.get_size()));
    std::memset(workspace, 0, layer_.state.get_size());
    if (layer_.reset_after) join_biases(arguments.inputs[places_.b].as<float>(), bias);
    pointers_.clear();
    for (const TensorView& input : arguments.inputs) pointers_.push_back(input.data);
    for (const TensorView& output : arguments.outputs) pointers_.push_back(output.data);
    pointers_.insert(pointers_.end(), {workspace, bias});
    chain_.run(pointers_, workspace + chain_offset());
  }

 private:
  static std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

  // The chain's last two operands lie before its own workspace: a state of zeros, and the four
  // biases of a gru that resets after.
  Slot zero_state() const { return inputs_ + results_.count; }
  Slot joined_bias() const { return zero_state() + 1; }
  std::size_t chain_offset() const {
    return aligned(layer_.state.get_size()) +
           (layer_.reset_after ? aligned(layer_.bias.get_size()) : 0);
  }

  // [2, 3H] to the sums for z and r, that of x for n, and that of the state for n.
  void join_biases(const float* b, float* to) const {
    const std::int64_t units = layer_.n.units;
    for (std::int64_t k = 0; k < 2 * units; ++k) to[k] = b[k] + b[3 * units + k];
    std::copy_n(b + 2 * units, units, to + 2 * units);
    std::copy_n(b + 5 * units, units, to + 3 * units);
  }

  template <class Description>
  void append(const Description& rnn) {
    std::vector<Execution::Argument> arguments;
    std::vector<Slot> slots;
    const auto add = [&](int argument, const memory::desc& type, Slot slot) {
      arguments.emplace_back(argument, type);
      slots.push_back(slot);
    };
    const auto initial = [&](std::size_t state) {
      return attributes_.initial ? places_.initial + state : zero_state();
    };
    const Slot final_states = inputs_ + results_.states;
    const Slot y = chain_.target(inputs_ + results_.y, layer_.y, layer_.stored_y);
    add(DNNL_ARG_SRC_LAYER, layer_.x, chain_.converted(places_.x, layer_.stored_x, layer_.x));
    add(DNNL_ARG_SRC_ITER, layer_.state, initial(0));
    add(DNNL_ARG_WEIGHTS_LAYER, rnn.weights_layer_desc(),
        chain_.converted(places_.w, layer_.w, rnn.weights_layer_desc()));
    add(DNNL_ARG_WEIGHTS_ITER, rnn.weights_iter_desc(),
        chain_.converted(places_.r, layer_.r, rnn.weights_iter_desc()));
    add(DNNL_ARG_BIAS, layer_.bias, layer_.reset_after ? joined_bias() : places_.b);
    add(DNNL_ARG_DST_LAYER, layer_.y, y);
    add(DNNL_ARG_DST_ITER, layer_.state, final_states);
    if (layer_.lstm) {
      add(DNNL_ARG_SRC_ITER_C, layer_.state, initial(1));
      add(DNNL_ARG_DST_ITER_C, layer_.state, final_states + 1);
    }
    chain_.append({"rnn", dnnl::primitive(rnn), rnn.scratchpad_desc(), arguments}, slots);
    chain_.deliver(y, layer_.y, inputs_ + results_.y, layer_.stored_y);
  }

  Layer layer_;
  RecurrentAttributes attributes_;
  RecurrentPlaces places_;
  RecurrentResults results_;
  std::size_t inputs_;
  Chain chain_;
  std::vector<void*> pointers_;
};

class RnnCandidate final : public KernelCandidate {
 public:
  explicit RnnCandidate(const RecurrentCell& cell) : cell_(cell), op_(cell.op) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return recurrent_error_factor(RecurrentExtents::of(problem, cell_));
  }

  Support query(const Problem& problem, Device&) const override {
    const auto attributes = RecurrentAttributes::from(problem.attributes);
    const RecurrentExtents n = RecurrentExtents::of(problem, cell_);
    if (attributes.keep) return Support::refuse("keeps gates in a format of its own");
    if (attributes.mask) return Support::refuse("takes no mask");
    if (attributes.scale) return Support::refuse("does not scale the state");
    if (n.sequences * n.steps * n.inputs == 0) return Support::refuse("wants elements");
    try {
      return {{Configuration{"", RnnKernel(problem, cell_).workspace(), true}}, ""};
    } catch (const dnnl::error& error) {
      return Support::refuse(refusal_of(error));
    }
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration&,
                                  Device&) const override {
    try {
      return std::make_unique<RnnKernel>(problem, cell_);
    } catch (const dnnl::error& error) {
      rethrow(id_, error);
    }
  }

 private:
  const RecurrentCell& cell_;
  std::string op_, backend_ = "cpu", id_ = "onednn.rnn";
};

}  // namespace

void add_recurrent(CandidateRegistry& registry, const RecurrentCell& cell) {
  registry.add(std::make_unique<RnnCandidate>(cell));
}

}  // namespace engine::onednn
