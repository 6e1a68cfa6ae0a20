// What a node means, apart from how any device computes it. Ops are immutable and shared;
// everything about them that can be printed is in their attributes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/attributes.h"
#include "engine/tune/problem.h"
#include "graph/ir.h"

namespace engine::graph {

/// What Op::gradient works with: emit nodes into `graph`, labelled after `node`.
struct GradientContext {
  Graph& graph;
  const Node& node;
  /// d(objective)/d(output), nullptr for outputs that do not influence the objective.
  std::span<Value* const> output_gradients;
  /// For each input, whether anybody wants its gradient; others may be left nullptr at no cost.
  const std::vector<bool>& needed;
};

class Op {
 public:
  explicit Op(std::string name, Attributes attributes = {})
      : name_(std::move(name)), attributes_(std::move(attributes)) {}
  virtual ~Op() = default;

  const std::string& name() const { return name_; }
  const Attributes& attributes() const { return attributes_; }

  /// Output types for these input types; throws ShapeError saying what was expected.
  virtual std::vector<TensorType> infer(std::span<const TensorType> inputs) const = 0;

  /// Emits the nodes that compute the needed input gradients and returns them, one an input. An op
  /// through which nothing can be differentiated keeps this default, which throws UsageError.
  virtual std::vector<Value*> gradient(const GradientContext& context) const;

  /// Whether an objective may depend on this output. Others are by-products of the op (statistics
  /// that its backward pass needs), and gradient() never gets an output gradient for them.
  virtual bool differentiable(std::size_t) const { return true; }

  /// Whether this operand may have any layout; others must be row-major. All such operands of a
  /// node have the same one, and outputs of their kind (images, not weights) get it.
  virtual bool any_layout(std::size_t) const { return false; }

  /// (output, input) pairs that may share storage when the input dies here.
  virtual std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const {
    return {};
  }

  /// Floating-point operations of one execution (a multiply-add counts two).
  virtual double flops(const Node&) const { return 0; }

  /// Bytes that one execution must read and write: every operand once, unless the op overrides it
  /// because it looks at a part only.
  virtual std::size_t bytes(const Node& node) const;

 private:
  std::string name_;
  Attributes attributes_;
};

/// Elements of a value, as operations are counted.
double elements(const Value* value);

/// The problem that a node poses to kernels.
Problem make_problem(const Node& node);
/// The same before a node exists.
Problem make_problem(const Op& op, std::span<const TensorType> inputs);

/// a + b, elementwise, of one floating type: how gradients of a value used twice are summed, the
/// only arithmetic that the compiler emits itself.
std::shared_ptr<const Op> make_add();

/// The ops that stand for state, known to the memory plan and lowered without a kernel: a read is
/// the state's storage; an assignment is a copy, or nothing when the value was computed in place.
inline constexpr const char* kStateRead = "state_read";
inline constexpr const char* kStateAssign = "state_assign";
bool is_state_read(const Node& node);
bool is_state_assign(const Node& node);
/// The state's name of a read or an assignment.
const std::string& state_name(const Node& node);

}  // namespace engine::graph
