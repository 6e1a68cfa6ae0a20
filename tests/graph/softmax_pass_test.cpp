// The rewrite that leaves a softmax out before a loss that contains one.
#include <gtest/gtest.h>

#include <algorithm>

#include "graph/op.h"
#include "graph/passes/pass.h"
#include "ops/accuracy.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/softmax.h"
#include "ops/softmax_cross_entropy.h"
#include "tests/support/interpreter.h"

namespace engine::graph {
namespace {

constexpr const char* kPass = "softmax-before-cross-entropy";
const TensorType kLogits{{3, 5}, DType::f32};
const TensorType kLabels{{3}, DType::i32};
using Ops = std::vector<std::shared_ptr<const Op>>;

std::size_t count(const Graph& graph, const std::string& op) {
  return static_cast<std::size_t>(
      std::count_if(graph.nodes().begin(), graph.nodes().end(),
                    [&](const auto& node) { return node->op().name() == op; }));
}

const PassReport& report_of(const std::vector<PassReport>& reports, const std::string& pass) {
  return *std::find_if(reports.begin(), reports.end(),
                       [&](const PassReport& report) { return report.pass == pass; });
}

// Logits, `layers` one after the other, and behind them loss and accuracy.
Graph classifier(const Ops& layers) {
  Graph graph("g");
  Value* x = graph.read({"x", kLogits, StateRole::data});
  Value* labels = graph.read({"labels", kLabels, StateRole::data});
  for (const auto& layer : layers) x = graph.apply(layer, {x}, "last layer");
  graph.assign({"loss", {{}, DType::f32}, StateRole::output},
               graph.apply(ops::softmax_cross_entropy(), {x, labels}, "loss"));
  graph.assign({"correct", {{}, DType::i32}, StateRole::output},
               graph.apply(ops::accuracy(), {x, labels}, "accuracy"));
  return graph;
}

test::HostStates data() {
  return {{"x", test::random_tensor(kLogits, -4, 4, 1)},
          {"labels", test::random_tensor(kLabels, 0, 5, 2)}};
}

double loss_of(const Graph& graph) {
  test::HostStates states = data();
  test::interpret(graph, states);
  return states.at("loss").values[0];
}

class SoftmaxBeforeCrossEntropy : public testing::Test {
 protected:
  void SetUp() override { initialize(); }
};

TEST_F(SoftmaxBeforeCrossEntropy, LeavesTheSoftmaxToTheLoss) {
  Graph graph = classifier({ops::softmax()});
  const auto reports = run_passes(graph, Stage::forward);
  const auto& rewrites = report_of(reports, kPass).rewrites;
  ASSERT_EQ(rewrites.size(), 2u);
  EXPECT_EQ(rewrites[0], "'loss' reads the input of the softmax 'last layer'");
  EXPECT_EQ(rewrites[1], "'accuracy' compares logits, in place of 'last layer'");
  dead_code_pass().run(graph);
  EXPECT_EQ(count(graph, "softmax"), 0u);
  EXPECT_EQ(loss_of(graph), loss_of(classifier({})));
  EXPECT_NE(loss_of(graph), loss_of(classifier({ops::softmax()})));
}

TEST_F(SoftmaxBeforeCrossEntropy, DropsALogSoftmaxWhichChangesNothing) {
  const double before = loss_of(classifier({ops::log_softmax()}));
  Graph graph = classifier({ops::log_softmax()});
  run_passes(graph, Stage::forward);
  dead_code_pass().run(graph);
  EXPECT_EQ(count(graph, "log_softmax"), 0u);
  EXPECT_NEAR(loss_of(graph), before, 1e-12);
}

TEST_F(SoftmaxBeforeCrossEntropy, TakesOutOneSoftmaxOnly) {
  Graph graph = classifier({ops::softmax(), ops::log_softmax(), ops::softmax()});
  run_passes(graph, Stage::forward);
  dead_code_pass().run(graph);
  EXPECT_EQ(count(graph, "softmax"), 1u);
  EXPECT_EQ(count(graph, "log_softmax"), 0u);
}

TEST_F(SoftmaxBeforeCrossEntropy, KeepsASoftmaxThatSomebodyElseReads) {
  Graph graph("g");
  Value* x = graph.read({"x", kLogits, StateRole::data});
  Value* labels = graph.read({"labels", kLabels, StateRole::data});
  Value* probabilities = graph.apply(ops::softmax(), {x}, "softmax");
  Value* loss = graph.apply(ops::softmax_cross_entropy(), {probabilities, labels}, "loss");
  graph.assign({"loss", {{}, DType::f32}, StateRole::output}, loss);
  graph.assign({"probabilities", kLogits, StateRole::output}, probabilities);
  run_passes(graph, Stage::forward);
  dead_code_pass().run(graph);
  EXPECT_EQ(count(graph, "softmax"), 1u);
  EXPECT_EQ(loss_of(graph), loss_of(classifier({})));
}

TEST_F(SoftmaxBeforeCrossEntropy, LeavesOtherGraphsAlone) {
  Graph between = classifier({ops::softmax(), ops::relu()});
  EXPECT_TRUE(report_of(run_passes(between, Stage::forward), kPass).rewrites.empty());
  EXPECT_EQ(count(between, "softmax"), 1u);
}

TEST_F(SoftmaxBeforeCrossEntropy, HasASwitch) {
  Graph graph = classifier({ops::softmax()});
  const auto reports = run_passes(graph, Stage::forward, {kPass});
  EXPECT_FALSE(report_of(reports, kPass).enabled);
  EXPECT_EQ(count(graph, "softmax"), 1u);
}

}  // namespace
}  // namespace engine::graph
