#include "ops/channels_last.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "graph/op.h"
#include "ops/gather.h"
#include "ops/layout.h"

namespace engine::ops {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool is_image(const TensorType& type) {
  return type.shape.rank() >= 3 && type.layout == Layout::row_major;
}

// Whether all operands that may have a layout are images, of one shape where there are several.
bool can_convert(const Node& node) {
  const Value* first = nullptr;
  for (std::size_t i = 0; i < node.inputs().size(); ++i) {
    if (!node.op().any_layout(i)) continue;
    const Value* operand = node.input(i);
    if (!is_image(operand->type()) || (first != nullptr && operand->type() != first->type()))
      return false;
    first = operand;
  }
  return first != nullptr;
}

class Rewrite {
 public:
  explicit Rewrite(Graph& graph) : graph_(graph) {}

  std::vector<std::string> run() {
    std::vector<Node*> order;
    for (const auto& node : graph_.nodes()) order.push_back(node.get());
    for (Node* node : order)
      if (node->op().name() == "convolution") grow(*node);
    for (Node* node : order)
      if (region_.contains(node)) convert(*node);
    for (Node* node : order)
      if (!region_.contains(node)) read_back(*node);
    for (auto node = order.rbegin(); node != order.rend(); ++node)
      if (region_.contains(*node)) graph_.erase(**node);
    for (Node* gather : gathers_)
      if (gather->output()->uses().empty()) graph_.erase(*gather);
    return std::move(rewrites_);
  }

 private:
  // Adds `from` and what it is connected with by images.
  void grow(Node& from) {
    std::vector<Node*> open{&from};
    while (!open.empty()) {
      Node* node = open.back();
      open.pop_back();
      if (!can_convert(*node) || !region_.insert(node).second) continue;
      for (std::size_t i = 0; i < node->inputs().size(); ++i)
        if (node->op().any_layout(i)) open.push_back(&node->input(i)->producer());
      for (std::size_t i = 0; i < node->output_count(); ++i)
        for (Node* user : node->output(i)->uses()) open.push_back(user);
    }
  }

  void convert(Node& node) {
    std::vector<Value*> inputs = node.inputs();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (node.op().any_layout(i)) inputs[i] = channels_last(*inputs[i], node);
    Node& converted = graph_.insert_before(node, node.shared_op(), inputs, node.label());
    for (std::size_t i = 0; i < node.output_count(); ++i)
      converted_[node.output(i)] = converted.output(i);
  }

  Value* channels_last(Value& value, Node& before) {
    Value*& converted = converted_[&value];
    if (converted == nullptr) converted = enter(value, before);
    return converted;
  }

  // An image from outside, for a node that may come to stand before others that read it.
  Value* enter(Value& value, Node& before) {
    Node& producer = value.producer();
    if (producer.op().name() == "gather") {
      auto attributes = GatherAttributes::from(producer.op().attributes());
      attributes.layout = Layout::channels_last;
      gathers_.push_back(&producer);
      rewrites_.push_back(fmt::format("'{}' gathers channels-last", producer.label()));
      return graph_
          .insert_before(producer, gather_normalized(attributes, value.type().dtype),
                         producer.inputs(), producer.label())
          .output();
    }
    return to(Layout::channels_last, value, before, producer.label());
  }

  Value* to(Layout layout, Value& value, Node& before, const std::string& label) {
    rewrites_.push_back(fmt::format("'{}' is converted to {}", label, layout_name(layout)));
    return graph_.insert_before(before, to_layout(layout), {&value}, label + "/layout").output();
  }

  // Gives a node outside what it reads of the region as it was.
  void read_back(Node& node) {
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      Value* value = node.input(i);
      if (!region_.contains(&value->producer())) continue;
      Value*& back = row_major_[value];
      Value* image = converted_.at(value);
      if (back == nullptr)
        back = image->type() == value->type()
                   ? image
                   : to(Layout::row_major, *image, node, value->producer().label());
      graph_.replace_input(node, i, *back);
    }
  }

  Graph& graph_;
  std::unordered_set<Node*> region_;
  std::vector<Node*> gathers_;
  std::unordered_map<const Value*, Value*> converted_, row_major_;
  std::vector<std::string> rewrites_;
};

}  // namespace

std::vector<std::string> store_channels_last(Graph& graph) {
  return Rewrite(graph).run();
}

}  // namespace engine::ops
