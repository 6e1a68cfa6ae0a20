#include "ops/recurrent.h"

#include <fmt/format.h>

#include <string>

#include "ops/expect.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Node;
using graph::Op;
using graph::Value;

using Types = std::vector<TensorType>;

TensorType f32(const Shape& shape) {
  return {shape, DType::f32};
}

// The types of everything about a layer, from those of x and r.
struct LayerTypes {
  RecurrentExtents n;
  TensorType x, w, r, b, state, y, gates, cells;

  LayerTypes(const RecurrentCell& cell, const TensorType& x_type, const TensorType& r_type)
      : n{x_type.shape[0], x_type.shape[1], x_type.shape[2], r_type.shape[0]},
        x(x_type),
        w(f32({n.inputs, cell.input_gates * n.units})),
        r(f32({n.units, cell.recurrent_gates * n.units})),
        b(f32(cell.two_biases ? Shape{2, cell.input_gates * n.units}
                              : Shape{cell.input_gates * n.units})),
        state(f32({n.sequences, n.units})),
        y(f32({n.sequences, n.steps, n.units})),
        gates(f32({n.steps, n.sequences, cell.gates * n.units})),
        cells(f32({n.steps, n.sequences, n.units})) {}
};

double product_flops(const RecurrentCell& cell, const RecurrentExtents& n) {
  return 2.0 * static_cast<double>(n.sequences * n.steps) * static_cast<double>(n.units) *
         static_cast<double>(n.inputs * cell.input_gates + n.units * cell.recurrent_gates);
}

// What an op and its gradient have in common: the operands of the layer.
class RecurrentBase : public Op {
 public:
  RecurrentBase(const std::string& name, const RecurrentCell& cell,
                const RecurrentAttributes& attributes, bool gradient)
      : Op(name, attributes.to_attributes(gradient)),
        cell_(cell),
        attributes_(attributes),
        places_(attributes, cell, gradient) {}

  const RecurrentCell& cell() const { return cell_; }
  const RecurrentAttributes& recurrent_attributes() const { return attributes_; }

 protected:
  LayerTypes check_layer(std::span<const TensorType> inputs) const {
    expect_count(inputs, places_.count);
    expect(inputs[places_.x], DType::f32, 3, "the input");
    expect(inputs[places_.r], DType::f32, 2, "the recurrent weight");
    if (inputs[places_.r].shape[0] == 0)
      throw ShapeError(fmt::format("the recurrent weight is {}, expected one unit or more",
                                   inputs[places_.r].to_string()));
    const LayerTypes types(cell_, inputs[places_.x], inputs[places_.r]);
    expect(inputs[places_.w], types.w, "the input weight");
    expect(inputs[places_.r], types.r, "the recurrent weight");
    expect(inputs[places_.b], types.b, "the bias");
    if (attributes_.initial) check_states(inputs, places_.initial, types.state, "initial state");
    if (attributes_.mask)
      expect(inputs[places_.mask], {{types.n.sequences, types.n.steps}, DType::u8}, "the mask");
    if (attributes_.scale) expect(inputs[places_.scale], types.state, "the recurrent scale");
    return types;
  }

  void check_states(std::span<const TensorType> inputs, std::size_t first, const TensorType& type,
                    const std::string& what) const {
    for (std::size_t i = 0; i < static_cast<std::size_t>(cell_.states); ++i)
      expect(inputs[first + i], type, fmt::format("{} {}", what, i));
  }

  const RecurrentCell& cell_;
  const RecurrentAttributes attributes_;
  const RecurrentPlaces places_;
};

class RecurrentOp final : public RecurrentBase {
 public:
  RecurrentOp(const RecurrentCell& cell, const RecurrentAttributes& attributes)
      : RecurrentBase(cell.op, cell, attributes, false), results_(attributes, cell) {}

  Types infer(std::span<const TensorType> inputs) const override {
    const LayerTypes types = check_layer(inputs);
    Types outputs{types.y};
    outputs.resize(results_.count, types.state);
    if (attributes_.keep) {
      outputs[results_.gates] = types.gates;
      if (cell_.states == 2) outputs[results_.cells] = types.cells;
    }
    return outputs;
  }

  bool differentiable(std::size_t output) const override { return output < first_kept(); }
  std::vector<Value*> gradient(const GradientContext& context) const override;

  double flops(const Node& node) const override {
    return product_flops(cell_, RecurrentExtents::of(graph::make_problem(node), cell_));
  }

  // The first output that only the gradient is interested in.
  std::size_t first_kept() const { return 1 + static_cast<std::size_t>(cell_.states); }

 private:
  std::vector<Value*> state_gradients(const GradientContext& context) const;
  const RecurrentResults results_;
};

class RecurrentGradientOp final : public RecurrentBase {
 public:
  RecurrentGradientOp(const RecurrentCell& cell, const RecurrentAttributes& attributes)
      : RecurrentBase(std::string(cell.op) + "_gradient", cell, attributes, true),
        gradients_(attributes, cell) {}

  Types infer(std::span<const TensorType> inputs) const override {
    const LayerTypes types = check_layer(inputs);
    if (attributes_.sequence_gradient)
      expect(inputs[places_.dy], types.y, "the gradient of the output");
    if (attributes_.state_gradients)
      check_states(inputs, places_.dstates, types.state, "the gradient of final state");
    expect(inputs[places_.y], types.y, "the output");
    expect(inputs[places_.gates], types.gates, "the gates");
    if (cell_.states == 2) expect(inputs[places_.cells], types.cells, "the cells");
    Types outputs{types.w, types.r, types.b};
    outputs.resize(gradients_.count, types.state);
    if (attributes_.input_gradient) outputs[gradients_.dx] = types.x;
    return outputs;
  }

  double flops(const Node& node) const override {
    const RecurrentExtents n = RecurrentExtents::of(graph::make_problem(node), cell_);
    const double weights = product_flops(cell_, n);
    if (attributes_.input_gradient) return 2 * weights;
    return weights + product_flops(cell_, {n.sequences, n.steps, 0, n.units});
  }

 private:
  const RecurrentGradients gradients_;
};

// The gradients of the final states, all of them where there is one of any.
std::vector<Value*> RecurrentOp::state_gradients(const GradientContext& context) const {
  std::vector<Value*> gradients;
  bool any = false;
  for (std::size_t i = 1; i < first_kept(); ++i) {
    gradients.push_back(context.output_gradients[i]);
    any = any || gradients.back() != nullptr;
  }
  if (!any) return {};
  const TensorType& type = context.node.output(1)->type();
  for (Value*& gradient : gradients)
    if (gradient == nullptr)
      gradient = context.graph.read(
          {fmt::format("zeros/{}", type.shape.to_string()), type, graph::StateRole::constant});
  return gradients;
}

std::vector<Value*> RecurrentOp::gradient(const GradientContext& context) const {
  const Node& node = context.node;
  ENGINE_CHECK(attributes_.keep, "gates are discarded after gradients are emitted");
  RecurrentAttributes attributes = attributes_;
  std::vector<Value*> inputs;
  if (Value* dy = context.output_gradients[0]; dy != nullptr) {
    attributes.sequence_gradient = true;
    inputs.push_back(dy);
  }
  const std::vector<Value*> dstates = state_gradients(context);
  attributes.state_gradients = !dstates.empty();
  inputs.insert(inputs.end(), dstates.begin(), dstates.end());
  attributes.input_gradient = context.needed[places_.x];
  if (attributes.scale) expect_data(context, places_.scale, "the recurrent scale");
  inputs.insert(inputs.end(), node.inputs().begin(), node.inputs().end());
  inputs.push_back(node.output(0));
  for (std::size_t i = first_kept(); i < results_.count; ++i) inputs.push_back(node.output(i));

  const Node& emitted =
      context.graph.add(recurrent_gradient(cell_, attributes), inputs, node.label() + "/gradient");
  const RecurrentGradients places(attributes, cell_);
  std::vector<Value*> gradients(node.inputs().size(), nullptr);
  gradients[places_.w] = emitted.output(places.dw);
  gradients[places_.r] = emitted.output(places.dr);
  gradients[places_.b] = emitted.output(places.db);
  if (attributes.initial)
    for (std::size_t i = 0; i < static_cast<std::size_t>(cell_.states); ++i)
      gradients[places_.initial + i] = emitted.output(places.initial + i);
  if (attributes.input_gradient) gradients[places_.x] = emitted.output(places.dx);
  return gradients;
}

// Evaluation and prediction read no gates.
std::vector<std::string> discard_gates(graph::Graph& graph) {
  std::vector<Node*> nodes;
  for (const auto& node : graph.nodes()) nodes.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* node : nodes) {
    const auto* op = dynamic_cast<const RecurrentOp*>(&node->op());
    if (op == nullptr || !op->recurrent_attributes().keep) continue;
    bool read = false;
    for (std::size_t i = op->first_kept(); i < node->output_count(); ++i)
      read = read || !node->output(i)->uses().empty();
    if (read) continue;
    RecurrentAttributes attributes = op->recurrent_attributes();
    attributes.keep = false;
    Node& lean = graph.insert_before(*node, recurrent(op->cell(), attributes), node->inputs(),
                                     node->label());
    for (std::size_t i = 0; i < op->first_kept(); ++i)
      graph.replace_uses(*node->output(i), *lean.output(i));
    graph.erase(*node);
    rewrites.push_back(fmt::format("'{}' keeps no gates", lean.label()));
  }
  return rewrites;
}

}  // namespace

std::shared_ptr<const Op> recurrent(const RecurrentCell& cell,
                                    const RecurrentAttributes& attributes) {
  return std::make_shared<RecurrentOp>(cell, attributes);
}
std::shared_ptr<const Op> recurrent_gradient(const RecurrentCell& cell,
                                             const RecurrentAttributes& attributes) {
  return std::make_shared<RecurrentGradientOp>(cell, attributes);
}

}  // namespace engine::ops

namespace engine {

void register_recurrent_op(OpRegistry& registry) {
  registry.passes.add({"discard-gates", "keep no gates of recurrent layers where nobody reads them",
                       graph::Stage::step, 210, ops::discard_gates});
}

}  // namespace engine
