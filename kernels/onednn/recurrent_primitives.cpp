// Sequences are [N, T, ...] here and [T, N, ...] there: the chain reorders them on the way in and
// out. Gates have the same order in both. oneDNN adds gradients of parameters to what is there, and
// wants every gradient of a final state, so zeros lie in the workspace for both.
#include "kernels/onednn/recurrent_primitives.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/onednn/chain.h"

namespace engine::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Slot = Chain::Slot;

constexpr auto kF32 = memory::data_type::f32;

// The descriptors of a layer: as stored by the engine, and as the primitives are given them.
struct Sequences {
  RecurrentExtents n;
  bool lstm, reset_after;
  memory::desc stored_x, stored_y, x, y, state, w, r, bias;
  dnnl::rnn_direction direction;

  Sequences(const Problem& problem, const RecurrentCell& cell)
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

  static memory::desc any(const memory::desc& plain) { return {plain.dims(), kF32, Tag::any}; }

  // Descriptions of all operands a pass has, in oneDNN's order, for one of the three primitives.
  dnnl::lstm_forward::primitive_desc lstm_forward(dnnl::prop_kind kind) const {
    return {{kind, direction, x, state, state, any(w), any(r), bias, y, state, state},
            primitive_attributes(),
            cpu_engine()};
  }
  template <class Gru>
  typename Gru::primitive_desc gru_forward(dnnl::prop_kind kind) const {
    return {{kind, direction, x, state, any(w), any(r), bias, y, state},
            primitive_attributes(),
            cpu_engine()};
  }
  dnnl::lstm_backward::primitive_desc lstm_backward(
      const dnnl::lstm_forward::primitive_desc& forward) const {
    return {{dnnl::prop_kind::backward,
             direction,
             x,
             state,
             state,
             any(w),
             any(r),
             bias,
             y,
             state,
             state,
             x,
             state,
             state,
             any(w),
             any(r),
             bias,
             y,
             state,
             state},
            primitive_attributes(),
            cpu_engine(),
            forward};
  }
  template <class Gru, class Forward>
  typename Gru::primitive_desc gru_backward(const Forward& forward) const {
    return {{dnnl::prop_kind::backward, direction, x, state, any(w), any(r), bias, y, state, x,
             state, any(w), any(r), bias, y, state},
            primitive_attributes(),
            cpu_engine(),
            forward};
  }
};

// What a launch binds beyond the problem's operands: memory in the workspace, before the chain's.
class Extra {
 public:
  explicit Extra(std::size_t operands) : first_(operands) {}
  Slot add(const memory::desc& type) {
    offsets_.push_back(bytes_);
    bytes_ += (type.get_size() + kAlignment - 1) / kAlignment * kAlignment;
    return first_ + offsets_.size() - 1;
  }
  /// What has been added so far holds zeros when the chain starts.
  void clear_all() { zeros_ = bytes_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t count() const { return first_ + offsets_.size(); }
  void bind(std::vector<void*>& pointers, void* workspace) const {
    std::memset(workspace, 0, zeros_);
    for (std::size_t offset : offsets_)
      pointers.push_back(static_cast<std::byte*>(workspace) + offset);
  }

 private:
  static constexpr std::size_t kAlignment = 64;
  std::size_t first_, bytes_ = 0, zeros_ = 0;
  std::vector<std::size_t> offsets_;
};

// The operands of a primitive, and where they are.
struct Operands {
  std::vector<Execution::Argument> arguments;
  std::vector<Slot> slots;
  void add(int argument, const memory::desc& type, Slot slot) {
    arguments.emplace_back(argument, type);
    slots.push_back(slot);
  }
};

class RnnKernel final : public Kernel {
 public:
  RnnKernel(const Problem& problem, const RecurrentCell& cell)
      : cell_(cell),
        gradient_(problem.op != cell.op),
        attributes_(RecurrentAttributes::from(problem.attributes)),
        places_(attributes_, cell, gradient_),
        layer_(problem, cell),
        inputs_(problem.inputs.size()),
        extra_(inputs_ + problem.outputs.size()) {
    if (layer_.lstm)
      build(layer_.lstm_forward(kind()),
            [&](const auto& forward) { return layer_.lstm_backward(forward); });
    else if (layer_.reset_after)
      build(layer_.gru_forward<dnnl::lbr_gru_forward>(kind()), [&](const auto& forward) {
        return layer_.gru_backward<dnnl::lbr_gru_backward>(forward);
      });
    else
      build(layer_.gru_forward<dnnl::gru_forward>(kind()),
            [&](const auto& forward) { return layer_.gru_backward<dnnl::gru_backward>(forward); });
  }

  std::size_t workspace() const { return extra_.bytes() + chain_->workspace(); }

  void launch(const LaunchArguments& arguments) override {
    pointers_.clear();
    for (const TensorView& input : arguments.inputs) pointers_.push_back(input.data);
    for (const TensorView& output : arguments.outputs) pointers_.push_back(output.data);
    extra_.bind(pointers_, arguments.workspace);
    if (layer_.reset_after) join_biases();
    chain_->run(pointers_, static_cast<std::byte*>(arguments.workspace) + extra_.bytes());
    if (gradient_) store_bias_gradient();
  }

 private:
  dnnl::prop_kind kind() const {
    return gradient_ ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  }
  std::size_t states() const { return static_cast<std::size_t>(cell_.states); }
  Slot initial(std::size_t state) const {
    return attributes_.initial ? places_.initial + state : zero_state_;
  }
  float* floats(Slot slot) const { return static_cast<float*>(pointers_[slot]); }

  template <class Forward, class MakeBackward>
  void build(const Forward& forward, const MakeBackward& make_backward) {
    zero_state_ = extra_.add(layer_.state);
    if (!gradient_) {
      extra_.clear_all();
      bias_ = layer_.reset_after ? extra_.add(layer_.bias) : places_.b;
      chain_.emplace(extra_.count());
      return append_forward(forward);
    }
    const auto backward = make_backward(forward);
    dy_ = attributes_.sequence_gradient ? places_.dy : extra_.add(layer_.y);
    dw_ = extra_.add(backward.diff_weights_layer_desc());
    dr_ = extra_.add(backward.diff_weights_iter_desc());
    dbias_ = extra_.add(layer_.bias);
    extra_.clear_all();
    bias_ = layer_.reset_after ? extra_.add(layer_.bias) : places_.b;
    for (Slot* slot : {&h_, &c_, &dh_, &dc_}) *slot = extra_.add(layer_.state);
    y_ = extra_.add(layer_.y);
    dx_ = extra_.add(layer_.x);
    kept_ = extra_.add(forward.workspace_desc());
    chain_.emplace(extra_.count());
    append_forward(forward);
    append_backward(forward, backward);
  }

  template <class Description>
  void append_inputs(const Description& pass, Operands& operands) {
    operands.add(DNNL_ARG_SRC_LAYER, layer_.x,
                 chain_->converted(places_.x, layer_.stored_x, layer_.x));
    operands.add(DNNL_ARG_SRC_ITER, layer_.state, initial(0));
    if constexpr (requires { pass.src_iter_c_desc(); })
      operands.add(DNNL_ARG_SRC_ITER_C, layer_.state, initial(1));
    operands.add(DNNL_ARG_WEIGHTS_LAYER, pass.weights_layer_desc(),
                 chain_->converted(places_.w, layer_.w, pass.weights_layer_desc()));
    operands.add(DNNL_ARG_WEIGHTS_ITER, pass.weights_iter_desc(),
                 chain_->converted(places_.r, layer_.r, pass.weights_iter_desc()));
    operands.add(DNNL_ARG_BIAS, layer_.bias, bias_);
  }

  template <class Forward>
  void append_forward(const Forward& forward) {
    const RecurrentResults results(attributes_, cell_);
    Operands operands;
    append_inputs(forward, operands);
    const Slot y = gradient_ ? y_ : chain_->target(inputs_ + results.y, layer_.y, layer_.stored_y);
    operands.add(DNNL_ARG_DST_LAYER, layer_.y, y);
    operands.add(DNNL_ARG_DST_ITER, layer_.state, gradient_ ? h_ : inputs_ + results.states);
    if (layer_.lstm)
      operands.add(DNNL_ARG_DST_ITER_C, layer_.state,
                   gradient_ ? c_ : inputs_ + results.states + 1);
    if (gradient_) operands.add(DNNL_ARG_WORKSPACE, forward.workspace_desc(), kept_);
    chain_->append({"rnn", dnnl::primitive(forward), forward.scratchpad_desc(), operands.arguments},
                   operands.slots);
    if (!gradient_) chain_->deliver(y, layer_.y, inputs_ + results.y, layer_.stored_y);
  }

  template <class Forward, class Backward>
  void append_backward(const Forward& forward, const Backward& backward) {
    const RecurrentGradients results(attributes_, cell_);
    const auto dstate = [&](std::size_t state) {
      return attributes_.state_gradients ? places_.dstates + state : zero_state_;
    };
    const auto dinitial = [&](std::size_t state, Slot other) {
      return attributes_.initial ? inputs_ + results.initial + state : other;
    };
    Operands operands;
    append_inputs(backward, operands);
    operands.add(DNNL_ARG_DST_LAYER, layer_.y, y_);
    operands.add(DNNL_ARG_DST_ITER, layer_.state, h_);
    operands.add(
        DNNL_ARG_DIFF_DST_LAYER, layer_.y,
        attributes_.sequence_gradient ? chain_->converted(dy_, layer_.stored_y, layer_.y) : dy_);
    operands.add(DNNL_ARG_DIFF_DST_ITER, layer_.state, dstate(0));
    operands.add(DNNL_ARG_DIFF_SRC_LAYER, layer_.x, dx_);
    operands.add(DNNL_ARG_DIFF_SRC_ITER, layer_.state, dinitial(0, dh_));
    if (layer_.lstm) {
      operands.add(DNNL_ARG_DST_ITER_C, layer_.state, c_);
      operands.add(DNNL_ARG_DIFF_DST_ITER_C, layer_.state, dstate(1));
      operands.add(DNNL_ARG_DIFF_SRC_ITER_C, layer_.state, dinitial(1, dc_));
    }
    operands.add(DNNL_ARG_DIFF_WEIGHTS_LAYER, backward.diff_weights_layer_desc(), dw_);
    operands.add(DNNL_ARG_DIFF_WEIGHTS_ITER, backward.diff_weights_iter_desc(), dr_);
    operands.add(DNNL_ARG_DIFF_BIAS, layer_.bias, dbias_);
    operands.add(DNNL_ARG_WORKSPACE, forward.workspace_desc(), kept_);
    chain_->append({"rnn, backward", dnnl::primitive(backward), backward.scratchpad_desc(),
                    operands.arguments},
                   operands.slots);
    chain_->deliver(dw_, backward.diff_weights_layer_desc(), inputs_ + results.dw, layer_.w);
    chain_->deliver(dr_, backward.diff_weights_iter_desc(), inputs_ + results.dr, layer_.r);
    if (attributes_.input_gradient)
      chain_->deliver(dx_, layer_.x, inputs_ + results.dx, layer_.stored_x);
  }

  // [2, 3H] to z and r once, n, and n's second one; and back.
  void join_biases() {
    const std::int64_t units = layer_.n.units;
    const float* b = floats(places_.b);
    float* to = floats(bias_);
    for (std::int64_t k = 0; k < 2 * units; ++k) to[k] = b[k] + b[3 * units + k];
    std::copy_n(b + 2 * units, units, to + 2 * units);
    std::copy_n(b + 5 * units, units, to + 3 * units);
  }
  void store_bias_gradient() {
    const std::int64_t units = layer_.n.units;
    const float* from = floats(dbias_);
    float* db = floats(inputs_ + RecurrentGradients(attributes_, cell_).db);
    std::copy_n(from, cell_.input_gates * units, db);
    if (!layer_.reset_after) return;
    std::copy_n(from, 2 * units, db + 3 * units);
    std::copy_n(from + 3 * units, units, db + 5 * units);
  }

  const RecurrentCell& cell_;
  bool gradient_;
  RecurrentAttributes attributes_;
  RecurrentPlaces places_;
  Sequences layer_;
  std::size_t inputs_;
  Extra extra_;
  Slot zero_state_ = 0, bias_ = 0, h_ = 0, c_ = 0, dh_ = 0, dc_ = 0, y_ = 0, dy_ = 0, dx_ = 0,
       dw_ = 0, dr_ = 0, dbias_ = 0, kept_ = 0;
  std::optional<Chain> chain_;
  std::vector<void*> pointers_;
};

class RnnCandidate final : public KernelCandidate {
 public:
  RnnCandidate(const RecurrentCell& cell, bool gradient)
      : cell_(cell), op_(std::string(cell.op) + (gradient ? "_gradient" : "")) {}
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
    if (attributes.keep) return Support::refuse("keeps no gates in the engine's format");
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
  for (bool gradient : {false, true}) registry.add(std::make_unique<RnnCandidate>(cell, gradient));
}

}  // namespace engine::onednn
