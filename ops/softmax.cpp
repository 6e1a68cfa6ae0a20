// What softmax means, and the rewrite for networks that end in one although the loss takes logits:
// softmax_cross_entropy reads the softmax's input instead, as do accuracies beside it (the largest
// stays the largest). A log_softmax before the loss only changes all logits of a row by the same
// amount, so it goes silently; a softmax would have been applied twice, so the user is told.
#include "ops/softmax.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "engine/core/log.h"
#include "ops/expect.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

using graph::GradientContext;
using graph::Graph;
using graph::Node;
using graph::Op;
using graph::Value;

void expect_rows(const TensorType& type, std::string_view what) {
  if (type.dtype != DType::f32 || type.shape.rank() == 0)
    throw ShapeError(
        fmt::format("{} is {}, expected f32 of rank 1 or more", what, type.to_string()));
}

class SoftmaxGradientOp final : public Op {
 public:
  explicit SoftmaxGradientOp(const std::string& forward) : Op(forward + "_gradient") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect_rows(inputs[0], "the output gradient");
    expect(inputs[1], inputs[0], "the output");
    return {inputs[0]};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}, {0, 1}};
  }
  double flops(const Node& node) const override { return 4.0 * elements(node.output()); }
};

class SoftmaxOp final : public Op {
 public:
  explicit SoftmaxOp(std::string name) : Op(std::move(name)) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect_rows(inputs[0], "the input");
    return {inputs[0]};
  }
  std::vector<Value*> gradient(const GradientContext& context) const override {
    return {context.graph.apply(std::make_shared<SoftmaxGradientOp>(name()),
                                {context.output_gradients[0], context.node.output()},
                                context.node.label() + "/gradient")};
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(const Node&) const override {
    return {{0, 0}};
  }
  // Maximum, difference, exponential, sum and quotient.
  double flops(const Node& node) const override { return 5.0 * elements(node.output()); }
};

bool is(const Value& value, const char* op) {
  return value.producer().op().name() == op;
}

void warn_once(const std::string& layer) {
  static std::mutex mutex;
  static std::set<std::string> warned;
  const std::lock_guard lock(mutex);
  if (!warned.insert(layer).second) return;
  log::warning(
      fmt::format("layer '{}' is a softmax before a loss that contains one: it is left out in "
                  "training (have the network end in logits)",
                  layer));
}

// The logits that `value` is made of by one softmax at most and any number of log_softmaxes; adds
// what is left out to `folded`.
Value* logits_of(Value* value, std::vector<Node*>& folded) {
  bool seen_softmax = false;
  while (is(*value, "log_softmax") || (is(*value, "softmax") && !seen_softmax)) {
    seen_softmax = seen_softmax || is(*value, "softmax");
    folded.push_back(&value->producer());
    value = value->producer().input(0);
  }
  return value;
}

std::vector<std::string> fold_softmax(Graph& graph) {
  std::vector<Node*> losses;
  for (const auto& node : graph.nodes())
    if (node->op().name() == "softmax_cross_entropy") losses.push_back(node.get());
  std::vector<std::string> rewrites;
  for (Node* loss : losses) {
    std::vector<Node*> folded;
    Value* probabilities = loss->input(0);
    Value* logits = logits_of(probabilities, folded);
    if (folded.empty()) continue;
    for (const Node* node : folded) {
      rewrites.push_back(fmt::format("'{}' reads the input of the {} '{}'", loss->label(),
                                     node->op().name(), node->label()));
      if (node->op().name() == "softmax") warn_once(node->label());
    }
    graph.replace_input(*loss, 0, *logits);
    const std::vector<Node*> readers = probabilities->uses();
    for (Node* reader : readers) {
      if (reader->op().name() != "accuracy") continue;
      rewrites.push_back(fmt::format("'{}' compares logits, in place of '{}'", reader->label(),
                                     probabilities->producer().label()));
      graph.replace_input(*reader, 0, *logits);
    }
  }
  return rewrites;
}

}  // namespace

std::shared_ptr<const Op> softmax() {
  return std::make_shared<SoftmaxOp>("softmax");
}
std::shared_ptr<const Op> log_softmax() {
  return std::make_shared<SoftmaxOp>("log_softmax");
}
std::shared_ptr<const Op> softmax_gradient() {
  return std::make_shared<SoftmaxGradientOp>("softmax");
}
std::shared_ptr<const Op> log_softmax_gradient() {
  return std::make_shared<SoftmaxGradientOp>("log_softmax");
}

}  // namespace engine::ops

namespace engine {

void register_softmax_op(OpRegistry& registry) {
  registry.passes.add({"softmax-before-cross-entropy",
                       "leave out a softmax before a loss that contains one", graph::Stage::forward,
                       0, ops::fold_softmax});
}

}  // namespace engine
