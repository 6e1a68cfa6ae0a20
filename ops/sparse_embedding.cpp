#include "ops/sparse_embedding.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"
#include "graph/op.h"
#include "kernels/deferred_adam.h"
#include "ops/deferred_adam.h"
#include "ops/embedding.h"
#include "ops/multi_tensor.h"
#include "ops/renumber_tokens.h"

namespace engine::ops {
namespace {

using graph::Graph;
using graph::Node;
using graph::State;
using graph::StateRole;
using graph::Value;

// A parameter of an adam node that an embedding reads.
struct Table {
  Node* adam;
  std::size_t k;  ///< among its parameters
  Node* embedding;

  MultiTensorOperands at() const {
    return MultiTensorOperands::of(adam->op().attributes(), DeferredUpdate::kScalars);
  }
  Value* value() const { return adam->input(at().state(0, k)); }
  Value* gradient() const { return adam->input(at().incoming(k)); }
  Node& scale() const { return adam->input(1)->producer(); }
};

std::vector<Table> find_tables(const Graph& graph) {
  std::vector<Table> tables;
  for (const auto& node : graph.nodes()) {
    if (node->op().name() != "adam") continue;
    const auto count = static_cast<std::size_t>(node->op().attributes().integer("count"));
    for (std::size_t k = 0; k < count; ++k) {
      Table table{node.get(), k, nullptr};
      for (Node* user : table.value()->uses())
        if (user->op().name() == "embedding" && user->input(0) == table.value())
          table.embedding = user;
      if (table.embedding != nullptr) tables.push_back(table);
    }
  }
  return tables;
}

bool only_used_by(const Value& value, const Node& first, const Node& second) {
  return std::all_of(value.uses().begin(), value.uses().end(),
                     [&](const Node* user) { return user == &first || user == &second; });
}

// Why the table stays dense, or "".
std::string refusal(const Table& table) {
  const Value &value = *table.value(), &gradient = *table.gradient();
  const std::int64_t every = table.adam->op().attributes().integer("every");
  const Node &scale = table.scale(), &source = gradient.producer();
  if (value.type().element_count() < kFewestSparseElements)
    return fmt::format("it has {} elements, fewer than {}", value.type().element_count(),
                       kFewestSparseElements);
  if (every != 1) return fmt::format("gradients are accumulated over {} steps", every);
  if (scale.op().name() != "gradient_scale" || scale.op().attributes().flag("clip"))
    return "gradients are clipped by their norm";
  if (!is_state_read(value.producer()) || !only_used_by(value, *table.embedding, *table.adam))
    return "others read it, too";
  if (source.op().name() != "embedding_gradient" || source.input(1) != table.embedding->input(1) ||
      !only_used_by(gradient, scale, *table.adam))
    return "its gradient has other sources or readers";
  return "";
}

// `node` again, before it and in its stead, with other operands and, where it says so, another op.
Node& exchange(Graph& graph, Node& node, std::vector<Value*> inputs,
               std::shared_ptr<const graph::Op> op = nullptr) {
  return graph.insert_before(node, op ? std::move(op) : node.shared_op(), std::move(inputs),
                             node.label());
}

// Graph::read() and Graph::assign() at another place than the end.
Value* read_before(Graph& graph, Node& position, const State& state) {
  Node& at_end = graph.read(state)->producer();
  Node& read = graph.insert_before(position, at_end.shared_op(), {}, at_end.label());
  graph.erase(at_end);
  return read.output();
}
void assign_before(Graph& graph, Node& position, const State& state, Value* value) {
  graph.assign(state, value);
  Node& at_end = *graph.nodes().back();
  graph.insert_before(position, at_end.shared_op(), {value}, at_end.label());
  graph.erase(at_end);
}

class TableRewrite {
 public:
  TableRewrite(Graph& graph, const Table& table)
      : graph_(graph),
        table_(table),
        name_(state_name(table.value()->producer())),
        vocabulary_(table.value()->type().shape[0]) {
    for (std::size_t j = 0; j < kDeferredTables; ++j)
      tables_.push_back(*graph.find_state(
          state_name(table.adam->input(table.at().state(j, table.k))->producer())));
    deferred_ = {state("recorded", {{}, DType::i32}),
                 state("history", {{kDeferredUpdates, 4}, DType::f32}),
                 state("applied", {{vocabulary_}, DType::i32})};
  }

  std::string run() {
    embed_current_rows();
    Value* gradient = sum_gradient_of_rows();
    exchange_scale(*gradient);
    update_rows(*gradient);
    const std::string line =
        fmt::format("of '{}', {} x {}, a step touches at most {} rows", name_, vocabulary_,
                    gradient->type().shape[1], gradient->type().shape[0]);
    leave_to_adam_the_others();
    return line;
  }

 private:
  State state(const char* what, const TensorType& type) const {
    return {name_ + "/" + what, type, StateRole::output};  // as it is not saved
  }

  void embed_current_rows() {
    Node& embedding = *table_.embedding;
    const std::string& label = embedding.label();
    renumbered_ = &graph_.insert_before(embedding, renumber_tokens(vocabulary_),
                                        {embedding.input(1)}, label + "/rows");
    for (const auto* states : {&deferred_, &tables_})
      for (const State& each : *states) read_.push_back(read_before(graph_, embedding, each));
    std::vector<Value*> operands(read_.begin(), read_.begin() + 3);
    operands.push_back(renumbered_->output(0));
    operands.insert(operands.end(), read_.begin() + 3, read_.end());
    current_ = &graph_.insert_before(embedding, deferred_adam_rows(table_.adam->op().attributes()),
                                     operands, label + "/current");
    Node& of_rows = exchange(graph_, embedding, {current_->output(0), renumbered_->output(1)});
    graph_.replace_uses(*embedding.output(), *of_rows.output());
    graph_.erase(embedding);
  }

  Value* sum_gradient_of_rows() {
    Node& source = table_.gradient()->producer();
    const std::int64_t rows = renumbered_->output(0)->type().shape[0];
    return exchange(graph_, source, {source.input(0), renumbered_->output(1)},
                    embedding_gradient(rows))
        .output();
  }

  // The same scale, from the rows' gradient in place of the table's.
  void exchange_scale(Value& gradient) {
    Node& scale = table_.scale();
    std::vector<Value*> inputs = scale.inputs();
    std::replace(inputs.begin(), inputs.end(), table_.gradient(), &gradient);
    Node& with_rows = exchange(graph_, scale, std::move(inputs));
    graph_.replace_uses(*scale.output(), *with_rows.output());
    graph_.erase(scale);
  }

  void update_rows(Value& gradient) {
    Node& adam = *table_.adam;
    std::vector<Value*> operands{adam.input(0), adam.input(1), adam.input(2)};
    operands.insert(operands.end(), read_.begin(), read_.begin() + 3);
    operands.push_back(renumbered_->output(2));
    operands.insert(operands.end(), read_.begin() + 3, read_.end());
    operands.push_back(&gradient);
    for (std::size_t j = 0; j < kDeferredTables; ++j) operands.push_back(current_->output(j));
    Node& update =
        exchange(graph_, adam, std::move(operands), deferred_adam(adam.op().attributes()));
    for (std::size_t i = 0; i < deferred_.size(); ++i)
      assign_before(graph_, adam, deferred_[i], update.output(i));
    for (std::size_t j = 0; j < kDeferredTables; ++j) {
      const std::vector<Node*> users = adam.output(table_.at().next(j, table_.k))->uses();
      for (Node* user : users) graph_.erase(*user);
      assign_before(graph_, adam, tables_[j], update.output(deferred_.size() + j));
    }
  }

  // The adam node without the table, or none where there is nothing else.
  void leave_to_adam_the_others() {
    Node& adam = *table_.adam;
    Node& source = table_.gradient()->producer();
    const MultiTensorOperands at = table_.at(), rest{at.scalars, at.count - 1};
    std::vector<Value*> own, others(adam.inputs().begin(), adam.inputs().begin() + 3);
    for (std::size_t i = at.scalars; i < adam.inputs().size(); ++i)
      ((i - at.scalars) % at.count == table_.k ? own : others).push_back(adam.input(i));
    if (rest.count > 0) {
      Node& without = exchange(
          graph_, adam, std::move(others),
          multi_tensor_op("adam", adam.op().attributes(), {DType::f32, DType::f32, DType::i64},
                          rest.count, kDeferredTables));
      for (std::size_t j = 0; j < kDeferredTables; ++j)
        for (std::size_t k = 0; k < rest.count; ++k)
          graph_.replace_uses(*adam.output(at.next(j, k < table_.k ? k : k + 1)),
                              *without.output(rest.next(j, k)));
    }
    graph_.erase(adam);
    graph_.erase(source);
    for (Value* value : own)
      if (value->uses().empty() && is_state_read(value->producer()))
        graph_.erase(value->producer());
  }

  Graph& graph_;
  const Table table_;
  const std::string name_;
  const std::int64_t vocabulary_;
  std::vector<State> deferred_, tables_;  ///< as kernels/deferred_adam.h has them
  std::vector<Value*> read_;              ///< all of them, in that order
  Node* renumbered_ = nullptr;
  Node* current_ = nullptr;
};

}  // namespace

std::vector<std::string> defer_embedding_updates(Graph& graph) {
  std::vector<std::string> lines;
  std::vector<std::string> dense;
  // A rewrite exchanges the nodes that the other tables belong to.
  for (bool again = true; again;) {
    again = false;
    dense.clear();
    for (const Table& table : find_tables(graph)) {
      if (const std::string why = refusal(table); !why.empty()) {
        dense.push_back(
            fmt::format("the table of '{}' stays dense: {}", table.embedding->label(), why));
        continue;
      }
      lines.push_back(TableRewrite(graph, table).run());
      again = true;
      break;
    }
  }
  lines.insert(lines.end(), dense.begin(), dense.end());
  return lines;
}

std::optional<Graph> settling_graph(const Graph& step) {
  constexpr auto at = DeferredAdamOperands::of_update();
  Graph graph(step.name() + "/settle");
  for (const auto& node : step.nodes()) {
    if (node->op().name() != "deferred_adam") continue;
    std::vector<State> states;
    std::vector<Value*> operands;
    for (std::size_t i :
         {at.recorded, at.history, at.applied, at.table, at.table + 1, at.table + 2}) {
      states.push_back(*step.find_state(state_name(node->input(i)->producer())));
      operands.push_back(graph.read(states.back()));
    }
    Node& settle = graph.add(deferred_adam_settle(node->op().attributes()), operands,
                             node->label() + "/settle");
    states.erase(states.begin() + 1);  // the history stays, and has no meaning any more
    for (std::size_t i = 0; i < states.size(); ++i) graph.assign(states[i], settle.output(i));
  }
  if (graph.nodes().empty()) return std::nullopt;
  return graph;
}

}  // namespace engine::ops
