// The machinery of differentiation: sums, pruning, and that nothing is computed which nobody wants.
// (Each op's own gradient: tests/ops/gradient_test.cpp.)
#include <gtest/gtest.h>

#include "graph/differentiate.h"
#include "graph/op.h"
#include "ops/dense.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/softmax_cross_entropy.h"
#include "tests/support/interpreter.h"

namespace engine::graph {
namespace {

TEST(Differentiate, SumsTheGradientsOfAValueUsedTwice) {
  initialize();
  Graph graph("g");
  const TensorType scalar{{}, DType::f32};
  Value* x = graph.read({"x", scalar, StateRole::parameter});
  Value* objective = graph.apply(make_add(), {graph.apply(ops::relu(), {x}, "a"), x}, "sum");
  const auto gradients = differentiate(graph, objective, std::vector<Value*>{x});
  test::HostStates states{{"x", test::host_tensor(scalar, {3})}};
  EXPECT_EQ(test::interpret(graph, states).at(gradients[0]).values[0], 2);
  graph.verify();
}

// A two-layer classifier over "x", with its loss.
Value* classifier(Graph& graph) {
  Value* x = graph.read({"x", {{2, 3}, DType::f32}, StateRole::data});
  Value* w1 = graph.read({"w1", {{3, 4}, DType::f32}, StateRole::parameter});
  Value* b1 = graph.read({"b1", {{4}, DType::f32}, StateRole::parameter});
  Value* w2 = graph.read({"w2", {{4, 5}, DType::f32}, StateRole::parameter});
  Value* b2 = graph.read({"b2", {{5}, DType::f32}, StateRole::parameter});
  Value* labels = graph.read({"labels", {{2}, DType::i32}, StateRole::data});
  Value* hidden = graph.apply(ops::dense(), {x, w1, b1}, "first");
  Value* logits = graph.apply(ops::dense(), {hidden, w2, b2}, "second");
  return graph.apply(ops::softmax_cross_entropy(), {logits, labels}, "loss");
}

Value* find_read(const Graph& graph, const std::string& state) {
  for (const auto& node : graph.nodes())
    if (is_state_read(*node) && state_name(*node) == state) return node->output();
  return nullptr;
}

int count_op(const Graph& graph, const std::string& op) {
  int found = 0;
  for (const auto& node : graph.nodes()) found += node->op().name() == op ? 1 : 0;
  return found;
}

TEST(Differentiate, ComputesNoGradientOfTheFirstLayersInputUnlessAsked) {
  Graph graph("g");
  Value* loss = classifier(graph);
  const std::vector<Value*> parameters{find_read(graph, "w1"), find_read(graph, "b1"),
                                       find_read(graph, "w2"), find_read(graph, "b2")};
  for (Value* gradient : differentiate(graph, loss, parameters)) EXPECT_NE(gradient, nullptr);
  EXPECT_EQ(count_op(graph, "dense_input_gradient"), 1);  // second layer only
  EXPECT_EQ(count_op(graph, "dense_weight_gradient"), 2);

  Graph asked("g");
  Value* asked_loss = classifier(asked);
  const std::vector<Value*> input{find_read(asked, "x")};
  EXPECT_NE(differentiate(asked, asked_loss, input)[0], nullptr);
  EXPECT_EQ(count_op(asked, "dense_input_gradient"), 2);
  EXPECT_EQ(count_op(asked, "dense_weight_gradient"), 0);
}

TEST(Differentiate, GivesNothingForAnUnrelatedValue) {
  Graph graph("g");
  Value* loss = classifier(graph);
  Value* other = graph.read({"other", {{2}, DType::f32}, StateRole::parameter});
  EXPECT_EQ(differentiate(graph, loss, std::vector<Value*>{other})[0], nullptr);
}

TEST(Differentiate, RefusesAnObjectiveThatIsNoScalar) {
  Graph graph("g");
  Value* x = graph.read({"x", {{2}, DType::f32}, StateRole::parameter});
  EXPECT_THROW(differentiate(graph, x, std::vector<Value*>{x}), UsageError);
}

}  // namespace
}  // namespace engine::graph
