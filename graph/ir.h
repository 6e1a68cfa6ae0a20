// The intermediate representation: a graph of the whole training step. Nodes are kept in one order
// that is both topological and the schedule; every value has one producer and a fixed type. Named
// state (parameters, moments, counters, data) enters through state_read nodes and leaves through
// state_assign nodes only, so that a program's effects can be read off its graph.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/core/tensor.h"

namespace engine::graph {

class Graph;
class Node;
class Op;

/// A tensor that a node produces. Owned by its node.
class Value {
 public:
  const TensorType& type() const { return type_; }
  Node& producer() const { return *producer_; }
  std::size_t index() const { return index_; }  ///< among the producer's outputs
  /// Nodes that read it, in no particular order; a node appears once for each operand.
  const std::vector<Node*>& uses() const { return uses_; }
  std::string name() const;  ///< "%7", or "%7.1" for a second output

 private:
  friend class Graph;
  friend class Node;
  Value(Node& producer, std::size_t index, TensorType type)
      : type_(type), producer_(&producer), index_(index) {}
  TensorType type_;
  Node* producer_;
  std::size_t index_;
  std::vector<Node*> uses_;
};

inline constexpr int kNotInPlace = -1;

class Node {
 public:
  int id() const { return id_; }
  const Op& op() const { return *op_; }
  std::shared_ptr<const Op> shared_op() const { return op_; }
  const std::string& label() const { return label_; }  ///< the layer it came from, "dense_1"
  const std::vector<Value*>& inputs() const { return inputs_; }
  Value* input(std::size_t i) const { return inputs_.at(i); }
  std::size_t output_count() const { return outputs_.size(); }
  Value* output(std::size_t i = 0) const { return outputs_.at(i).get(); }
  /// For each output, the input whose storage it takes over, or kNotInPlace (set by a pass).
  const std::vector<int>& in_place() const { return in_place_; }
  void set_in_place(std::size_t output, int input) { in_place_.at(output) = input; }

 private:
  friend class Graph;
  int id_ = 0;
  std::shared_ptr<const Op> op_;
  std::string label_;
  std::vector<Value*> inputs_;
  std::vector<std::unique_ptr<Value>> outputs_;
  std::vector<int> in_place_;
};

/// What a state is for: decides initialization, checkpointing and who may assign it.
enum class StateRole {
  parameter,  ///< trained, saved
  statistic,  ///< running statistics: assigned in training, read in inference, saved
  optimizer,  ///< moments and the learning rate, saved
  counter,    ///< step counters and running metrics, saved
  constant,   ///< set once from its initial value, never assigned, not saved
  data,       ///< a resident data set, not saved
  output,     ///< results that the host reads, not saved
};
std::string_view state_role_name(StateRole role);

struct State {
  std::string name;  ///< "dense_1/weights", "train/step"
  TensorType type;
  StateRole role = StateRole::parameter;
  double fill = 0;  ///< every element before anything else sets it
  bool operator==(const State&) const = default;
};

class Graph {
 public:
  explicit Graph(std::string name) : name_(std::move(name)) {}
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  const std::string& name() const { return name_; }
  const std::list<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  const std::vector<State>& states() const { return states_; }
  /// nullptr when there is none of that name.
  const State* find_state(const std::string& name) const;

  /// Appends a node; its output types come from op->infer(), whose errors name the label.
  Node& add(std::shared_ptr<const Op> op, std::vector<Value*> inputs, std::string label);
  /// The same for ops with a single output.
  Value* apply(std::shared_ptr<const Op> op, std::vector<Value*> inputs, std::string label) {
    return add(std::move(op), std::move(inputs), std::move(label)).output();
  }
  /// Inserts before `position` instead of at the end.
  Node& insert_before(Node& position, std::shared_ptr<const Op> op, std::vector<Value*> inputs,
                      std::string label);

  /// Declares `state` (once: a second declaration must be equal, else UsageError) and reads it.
  Value* read(const State& state);
  /// Declares `state` and assigns `value` to it at this point of the schedule.
  void assign(const State& state, Value* value);

  /// Makes every user of `from` read `to`, of the same type, instead.
  void replace_uses(Value& from, Value& to);
  /// Makes operand `i` of `node` be `value`, of the type it had.
  void replace_input(Node& node, std::size_t i, Value& value);
  /// The position of every node in the schedule.
  std::unordered_map<const Node*, int> schedule() const;

  /// Removes a node none of whose outputs is used.
  void erase(Node& node);

  /// Throws InternalError naming the node for: a use before its definition, a broken use list,
  /// types that infer() does not confirm, a constant assigned, a state assigned twice, a state read
  /// (or its value used) after the assignment, an in-place output whose input is used later.
  void verify() const;

  std::string to_string() const;

 private:
  using Position = std::list<std::unique_ptr<Node>>::iterator;
  Node& insert(Position position, std::shared_ptr<const Op> op, std::vector<Value*> inputs,
               std::string label);
  void declare(const State& state);
  void drop_use(Value& value, Node& node);

  std::string name_;
  std::list<std::unique_ptr<Node>> nodes_;
  std::vector<State> states_;
  std::unordered_map<const Node*, Position> positions_;
  int next_id_ = 0;
};

}  // namespace engine::graph
