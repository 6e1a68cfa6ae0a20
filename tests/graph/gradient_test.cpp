// Gradients. Each op's against central differences of its reference in double, and the machinery of
// differentiation: sums, pruning, and that nothing is computed which nobody wants.
#include <gtest/gtest.h>

#include <cmath>

#include "graph/differentiate.h"
#include "graph/op.h"
#include "ops/dense.h"
#include "ops/dropout.h"
#include "ops/registry.h"
#include "ops/relu.h"
#include "ops/softmax_cross_entropy.h"
#include "tests/support/interpreter.h"

namespace engine::graph {
namespace {

struct GradientCase {
  std::string name;
  std::shared_ptr<const Op> op;
  std::vector<ReferenceTensor> inputs;
};

ReferenceTensor reals(Shape shape, unsigned seed) {
  return test::random_tensor({shape, DType::f32}, -1, 1, seed);
}

std::vector<GradientCase> cases() {
  const auto step = test::host_tensor({{}, DType::i64}, {7});
  DenseAttributes relu, dropout, both;
  relu.activation = both.activation = Activation::relu;
  dropout.dropout = both.dropout = {0.4, {11, 12}};
  std::vector<GradientCase> all;
  for (std::int64_t batch : {1, 3}) {
    const std::string suffix = "_batch" + std::to_string(batch);
    const auto x = reals({batch, 5}, 1), w = reals({5, 4}, 2), b = reals({4}, 3);
    all.push_back({"dense" + suffix, ops::dense(), {x, w, b}});
    all.push_back({"dense_relu" + suffix, ops::dense(relu), {x, w, b}});
    all.push_back({"dense_dropout" + suffix, ops::dense(dropout), {x, w, b, step}});
    all.push_back({"dense_relu_dropout" + suffix, ops::dense(both), {x, w, b, step}});
    const auto labels = test::random_tensor({{batch}, DType::i32}, 0, 4, 4);
    all.push_back({"softmax_cross_entropy" + suffix,
                   ops::softmax_cross_entropy(),
                   {reals({batch, 4}, 5), labels}});
  }
  all.push_back({"relu", ops::relu(), {reals({33}, 6)}});
  all.push_back({"dropout", ops::dropout({0.3, {1, 2}}), {reals({33}, 7), step}});
  all.push_back({"add", make_add(), {reals({2, 3}, 8), reals({2, 3}, 9)}});
  return all;
}

// sum of dy * op(inputs), by the reference.
double objective(const GradientCase& c, const std::vector<ReferenceTensor>& inputs,
                 const ReferenceTensor& dy) {
  std::vector<TensorType> types;
  for (const ReferenceTensor& input : inputs) types.push_back(input.type);
  const auto outputs = evaluate_reference(make_problem(*c.op, types), inputs);
  double sum = 0;
  for (std::size_t i = 0; i < dy.values.size(); ++i) sum += dy.values[i] * outputs[0].values[i];
  return sum;
}

class OpGradient : public testing::TestWithParam<GradientCase> {};

TEST_P(OpGradient, EqualsCentralDifferences) {
  initialize();
  const GradientCase& c = GetParam();
  Graph graph("check");
  test::HostStates states;
  std::vector<Value*> inputs;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const std::string name = "input" + std::to_string(i);
    states[name] = c.inputs[i];
    inputs.push_back(graph.read({name, c.inputs[i].type, StateRole::data}));
  }
  Node& node = graph.add(c.op, inputs, "op");
  const ReferenceTensor dy = test::random_tensor(node.output()->type(), -1, 1, 99);
  states["dy"] = dy;
  Value* output_gradients[] = {graph.read({"dy", dy.type, StateRole::data})};
  std::vector<bool> needed;
  for (const Value* input : inputs) needed.push_back(is_floating(input->type().dtype));
  const auto gradients = c.op->gradient({graph, node, output_gradients, needed});
  const auto values = test::interpret(graph, states);

  constexpr double h = 1e-5;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!needed[i]) continue;
    const ReferenceTensor& gradient = values.at(gradients.at(i));
    for (std::size_t k = 0; k < gradient.values.size(); ++k) {
      auto above = c.inputs, below = c.inputs;
      above[i].values[k] += h;
      below[i].values[k] -= h;
      const double numeric = (objective(c, above, dy) - objective(c, below, dy)) / (2 * h);
      EXPECT_NEAR(gradient.values[k], numeric, 1e-7) << "input " << i << " element " << k;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpGradient, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

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
