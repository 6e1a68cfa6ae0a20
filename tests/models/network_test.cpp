// Networks: names, summaries, the published sizes of the reference models, training and inference
// graphs, and what starts where.
#include "models/layers/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "engine/core/error.h"
#include "graph/op.h"
#include "models/train/step_graphs.h"
#include "models/zoo/zoo.h"

namespace engine {
namespace {

int count_op(const graph::Graph& graph, const std::string& op) {
  int found = 0;
  for (const auto& node : graph.nodes()) found += node->op().name() == op ? 1 : 0;
  return found;
}

double total_flops(const graph::Graph& graph) {
  double flops = 0;
  for (const auto& node : graph.nodes()) flops += node->op().flops(*node);
  return flops;
}

// For batches of this size.
Feed feed(std::int64_t size) {
  Feed feed{.part = Part::train, .count = 60000, .batch = 128, .shuffle = true};
  feed.group = feed.groups().front();
  feed.group.size = size;
  return feed;
}

TEST(Network, NamesLayersByKindAndNumber) {
  Network network(Shape{4});
  network.dense(3).relu().dropout(0.5).dense(2);
  std::vector<std::string> names;
  for (const auto& layer : network.layers()) names.push_back(layer->name());
  EXPECT_EQ(names, (std::vector<std::string>{"dense_1", "relu_1", "dropout_1", "dense_2"}));
}

TEST(Network, RefusesSenselessLayers) {
  Network network(Shape{4});
  EXPECT_THROW(network.dense(0), UsageError);
  EXPECT_THROW(network.dropout(1.0), UsageError);
  EXPECT_THROW(network.dropout(std::nan("")), UsageError);
}

TEST(Zoo, MnistMlpHasItsPublishedSize) {
  const ModelDefinition model = find_model("mnist-mlp");
  std::int64_t parameters = 0;
  double flops = 0;
  for (const LayerSummary& line : summarize(model.network)) {
    parameters += line.parameters;
    flops += line.forward_flops;
  }
  EXPECT_EQ(parameters, 669706);
  EXPECT_NEAR(flops / 1e6, 1.34, 0.005);
  const StepGraph step = training_graph(model, feed(128), {});
  EXPECT_NEAR(total_flops(step.graph) / 128 / 1e6, 3.21, 0.005);
}

TEST(Zoo, ResidualNetworksHaveTheirPublishedSizes) {
  const auto size_of = [](const char* name) {
    std::int64_t parameters = 0;
    double flops = 0;
    for (const LayerSummary& line : summarize(find_model(name).network)) {
      parameters += line.parameters;
      flops += line.forward_flops;
    }
    return std::pair(parameters, flops / 2e9);  // multiply-adds, as the paper counts
  };
  const auto small = size_of("resnet18"), large = size_of("resnet50");
  EXPECT_EQ(small.first, 11'689'512);
  EXPECT_NEAR(small.second, 1.82, 0.02);
  EXPECT_EQ(large.first, 25'557'032);
  EXPECT_NEAR(large.second, 4.11, 0.05);
}

TEST(Zoo, ResidualNetworksTakeImagesOfAnySize) {
  const ModelDefinition model = find_model("resnet50");
  for (const Shape& image : {Shape{3, 32, 32}, Shape{1, 28, 28}, Shape{3, 75, 160}})
    EXPECT_EQ(summarize(model.make_network({image, 7})).back().output, Shape{7});
}

// Images stay channels-last from the first convolution to the mean of every channel: neither
// normalizations nor sums nor the pooling between need them otherwise.
TEST(Zoo, ResidualNetworksConvertNoImages) {
  const StepGraph step = training_graph(find_model("resnet18"), feed(8), {});
  EXPECT_EQ(count_op(step.graph, "batch_norm"), 20);
  EXPECT_EQ(count_op(step.graph, "to_layout"), 2);  // of [8, 512, 1, 1], and of its gradient
  for (const auto& node : step.graph.nodes())
    if (node->op().name() == "to_layout") {
      EXPECT_EQ(node->output()->type().shape, (Shape{8, 512, 1, 1}));
    }
}

TEST(Zoo, AnUnknownModelIsNamedWithTheKnownOnes) {
  try {
    find_model("mnist-mpl");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("'mnist-mpl'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("mnist-mlp"), std::string::npos);
  }
}

TEST(StepGraphs, TrainingHasDropoutAndInferenceHasNot) {
  const ModelDefinition model = find_model("mnist-mlp");
  GraphOptions plain;
  plain.passes_off = {"fuse-dense-epilogue"};
  EXPECT_EQ(count_op(training_graph(model, feed(128), plain).graph, "dropout"), 2 + 2);
  EXPECT_EQ(count_op(evaluation_graph(model, feed(128), plain).graph, "dropout"), 0);
  EXPECT_EQ(count_op(prediction_graph(model, feed(128), plain).graph, "dropout"), 0);
}

TEST(StepGraphs, EightProductsAndNoGradientForTheImages) {
  const StepGraph step = training_graph(find_model("mnist-mlp"), feed(128), {});
  EXPECT_EQ(count_op(step.graph, "dense"), 3);
  EXPECT_EQ(count_op(step.graph, "dense_weight_gradient"), 3);
  EXPECT_EQ(count_op(step.graph, "dense_input_gradient"), 2);
  EXPECT_EQ(count_op(step.graph, "relu") + count_op(step.graph, "dropout"), 0);
  EXPECT_NO_THROW(step.graph.verify());
}

TEST(StepGraphs, EveryProgramDeclaresTheSameParameters) {
  const ModelDefinition model = find_model("mnist-mlp");
  const StepGraph full = training_graph(model, feed(128), {});
  const StepGraph last = training_graph(model, feed(96), {});
  const StepGraph evaluation = evaluation_graph(model, feed(128), {});
  ASSERT_EQ(full.parameters.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(full.parameters[i].state, last.parameters[i].state);
    EXPECT_EQ(full.parameters[i].state, evaluation.parameters[i].state);
  }
}

TEST(Initializer, GlorotUniformFillsItsRangeEvenly) {
  const auto values = draw(Initializer::glorot_uniform(), 784 * 512, 784, 512, random_key(3, "w"));
  const double limit = std::sqrt(6.0 / (784 + 512));
  double sum = 0, squares = 0, largest = 0;
  for (float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  const auto n = static_cast<double>(values.size());
  EXPECT_LE(largest, limit);
  EXPECT_GT(largest, 0.999 * limit);
  EXPECT_NEAR(sum / n, 0, 0.01 * limit);
  EXPECT_NEAR(squares / n, limit * limit / 3, 0.01 * limit * limit);
  EXPECT_NE(values, draw(Initializer::glorot_uniform(), 784 * 512, 784, 512, random_key(4, "w")));
}

}  // namespace
}  // namespace engine
