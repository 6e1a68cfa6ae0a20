// Every op's gradient against central differences of its reference in double, over the cases that
// are marked for it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/core/error.h"
#include "ops/registry.h"
#include "tests/support/interpreter.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

// The node of a case in a graph of its own, with a gradient for every output that may have one, and
// the nodes that Op::gradient() emits.
struct Differentiated {
  explicit Differentiated(const OpCase& test) {
    for (std::size_t i = 0; i < test.types.size(); ++i) {
      const std::string name = "operand" + std::to_string(i);
      operands.push_back(graph.read({name, test.types[i], graph::StateRole::data}));
      needed.push_back(is_floating(test.types[i].dtype));
    }
    node = &graph.add(test.op, operands, "op");
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      const graph::State dy{"dy" + std::to_string(i), node->output(i)->type(),
                            graph::StateRole::data};
      output_gradients.push_back(test.op->differentiable(i) ? graph.read(dy) : nullptr);
    }
    gradients = test.op->gradient({graph, *node, output_gradients, needed});
  }

  Graph graph{"case"};
  std::vector<Value*> operands, output_gradients, gradients;
  std::vector<bool> needed;
  Node* node;
};

bool has_gradient(const OpCase& test) {
  try {
    const Differentiated emitted(test);
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

// The sum over the outputs of dy * output, and of its terms' absolute values.
struct Objective {
  double value = 0, magnitude = 0;
};

Objective objective(const OpCase& test, const std::vector<ReferenceTensor>& inputs,
                    const std::vector<ReferenceTensor>& dy) {
  const auto outputs = evaluate_reference(test.problem(), inputs);
  Objective sum;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!test.op->differentiable(k)) continue;
    for (std::size_t i = 0; i < outputs[k].values.size(); ++i) {
      const double term = dy[k].values[i] * outputs[k].values[i];
      sum.value += term;
      sum.magnitude += std::abs(term);
    }
  }
  return sum;
}

void check_gradient(const OpCase& test) {
  Differentiated emitted(test);
  const std::vector<ReferenceTensor> inputs = draw_inputs(test);
  HostStates states;
  for (std::size_t i = 0; i < inputs.size(); ++i) states["operand" + std::to_string(i)] = inputs[i];
  std::vector<ReferenceTensor> dy;
  for (std::size_t i = 0; i < emitted.node->output_count(); ++i) {
    dy.push_back(random_tensor(emitted.node->output(i)->type(), -1, 1, 99));
    states["dy" + std::to_string(i)] = dy.back();
  }
  const auto values = interpret(emitted.graph, states);
  ASSERT_EQ(emitted.gradients.size(), inputs.size());

  int compared = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!emitted.needed[i] || emitted.gradients[i] == nullptr) continue;
    const ReferenceTensor& gradient = values.at(emitted.gradients[i]);
    ASSERT_EQ(gradient.type, test.types[i]) << "operand " << i;
    for (std::size_t k = 0; k < gradient.values.size(); ++k, ++compared) {
      const double h = 1e-5 * std::max(1.0, std::abs(inputs[i].values[k]));
      auto above = inputs, below = inputs;
      above[i].values[k] += h;
      below[i].values[k] -= h;
      const Objective high = objective(test, above, dy), low = objective(test, below, dy);
      const double numeric = (high.value - low.value) / (2 * h);
      // Rounding of the difference, and its term of third order.
      const double tolerance = 1e-15 * high.magnitude / h + 1e-7 * std::max(1.0, std::abs(numeric));
      EXPECT_NEAR(gradient.values[k], numeric, tolerance) << "operand " << i << " element " << k;
    }
  }
  EXPECT_GT(compared, 0) << "no gradient was compared";
}

class OpGradient : public testing::TestWithParam<std::string> {};

TEST_P(OpGradient, EqualsCentralDifferences) {
  initialize();
  const std::vector<OpCase>& cases = CaseTable::global().of(GetParam());
  const auto marked =
      std::count_if(cases.begin(), cases.end(), [](const OpCase& test) { return test.gradient; });
  ASSERT_FALSE(cases.empty());
  EXPECT_EQ(marked > 0, has_gradient(cases.front()))
      << "an op with a gradient has cases for it, and no other";
  for (const OpCase& test : cases) {
    if (!test.gradient) continue;
    SCOPED_TRACE(test.name);
    check_gradient(test);
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpGradient, testing::ValuesIn(CaseTable::global().ops()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace engine::test
