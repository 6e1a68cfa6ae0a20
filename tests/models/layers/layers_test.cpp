// Layers: options and their errors, the nodes that each emits, branches, and the table of types.
#include "models/layers/network.h"

#include <gtest/gtest.h>

#include "graph/differentiate.h"
#include "graph/op.h"
#include "models/layers/activation.h"
#include "models/layers/layer_type.h"
#include "ops/reduce.h"
#include "tests/models/layers/built.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

Built inference(const Network& network) {
  return Built(network, Mode::inference);
}

TEST(DenseLayer, EmitsItsActivationAndMayHaveNoBias) {
  const Built plain = inference(Network(Shape{4}).dense(3));
  EXPECT_EQ(plain.ops(), "dense");
  EXPECT_EQ(plain.parameters(), "dense_1/weights dense_1/bias");
  const Built options = inference(Network(Shape{4}).dense(
      3,
      {.activation = "tanh", .use_bias = false, .kernel_initializer = Initializer::he_normal()}));
  EXPECT_EQ(options.ops(), "dense tanh");
  EXPECT_EQ(options.parameters(), "dense_1/weights");
  EXPECT_EQ(options.builder.parameters()[0].initializer, Initializer::he_normal());
  EXPECT_EQ(options.output, (Shape{2, 3}));
}

TEST(EmbeddingLayer, TakesTokensAndNothingElse) {
  const auto make = [](DType input) {
    return Network(Shape{7}, input).embedding(30, 4).flatten().dense(2);
  };
  const Network net = make(DType::i32);
  EXPECT_EQ(inference(net).ops(), "embedding reshape dense");
  const std::vector<LayerSummary> lines = summarize(net);
  EXPECT_EQ(lines[0].description, "embedding 30 x 4");
  EXPECT_EQ(lines[0].output, (Shape{7, 4}));
  EXPECT_EQ(lines[0].parameters, 120);
  EXPECT_EQ(lines[2].parameters, 7 * 4 * 2 + 2);
  expect_error<ShapeError>(
      [&] { inference(make(DType::f32)); },
      {"embedding_1: the input is f32[2, 7], expected tokens, i32[batch, ...]"});
  expect_error<ShapeError>([] { summarize(Network(Shape{7}).relu().embedding(30, 4)); },
                           {"embedding_1: the input is f32[1, 7]"});
}

TEST(EmbeddingLayer, StartsAndComputesAsAsked) {
  graph::Graph graph("test");
  Builder builder(graph, Mode::inference, 1, nullptr, DType::bf16);
  graph::Value* tokens = graph.read({"x", {{2, 7}, DType::i32}, graph::StateRole::data});
  const Network net =
      Network(Shape{7}).embedding(30, 4, {.embeddings_initializer = Initializer::glorot_uniform()});
  EXPECT_EQ(net.build(builder, tokens)->type(), (TensorType{{2, 7, 4}, DType::bf16}));
  const Parameter& table = builder.parameters().at(0);
  EXPECT_EQ(table.state, (graph::State{"embedding_1/embeddings", {{30, 4}, DType::f32}}));
  EXPECT_EQ(table.initializer, Initializer::glorot_uniform());
  EXPECT_EQ(table.fan_in, 30);
  EXPECT_EQ(EmbeddingOptions{}.embeddings_initializer, Initializer::uniform(0.05));
}

TEST(Layers, RefuseSenselessOptionsByName) {
  Network net(Shape{4});
  expect_error<UsageError>([&] { net.dense(0); }, {"dense_1: 'units' is 0, expected 1 to"});
  expect_error<UsageError>([&] { net.dense(1, {.activation = "rleu"}); },
                           {"'activation' is \"rleu\"", "relu", "linear"});
  expect_error<UsageError>([&] { net.dense(1, {.bias_initializer = Initializer::orthogonal()}); },
                           {"'bias_initializer' is \"orthogonal\""});
  expect_error<UsageError>([&] { net.embedding(0, 3); },
                           {"embedding_1: 'input_dim' is 0, expected 1 to"});
  expect_error<UsageError>([&] { net.embedding(3, -1); }, {"'output_dim' is -1"});
  expect_error<UsageError>([&] { net.dropout(1); }, {"dropout_1: 'rate' is 1.0, expected"});
  expect_error<UsageError>([&] { net.batch_norm({.momentum = 1}); }, {"'momentum' is 1.0"});
  expect_error<UsageError>([&] { net.layer_norm({.epsilon = 0}); }, {"'epsilon' is 0.0"});
  expect_error<UsageError>([&] { net.reshape({2, -1, -1}); }, {"'shape' is [2, -1, -1]"});
  expect_error<UsageError>([&] { net.reshape({}); }, {"'shape' is []"});
  expect_error<UsageError>([&] { net.residual(Network()); }, {"'layer' is 0 layers"});
  expect_error<UsageError>([&] { net.activation("linear"); }, {"'linear'", "relu"});
  expect_error<OptionError>([&] { net.activation("elu", {{"beta", 1.0}}); }, {"'beta'", "alpha"});
  EXPECT_TRUE(net.layers().empty());
}

TEST(ActivationLayers, AreThoseOfTheTable) {
  for (const std::string& name : activation_names()) {
    if (name == kLinear) continue;
    Network net(Shape{4});
    net.activation(name);
    EXPECT_EQ(net.layers()[0]->name(), name + "_1");
    EXPECT_EQ(inference(net).ops(), name);
  }
  const Built elu = inference(Network(Shape{4}).activation("elu", {{"alpha", 0.5}}));
  EXPECT_EQ(elu.graph.nodes().back()->op().attributes().real("alpha"), 0.5);
}

TEST(ShapeLayers, KeepTheElements) {
  const Network net = Network(Shape{6, 4}).reshape({3, -1}).flatten().flatten();
  EXPECT_EQ(summarize(net)[0].output, (Shape{3, 8}));
  const Built built = inference(net);
  EXPECT_EQ(built.output, (Shape{2, 24}));
  EXPECT_EQ(built.ops(), "reshape reshape");  // what is flat already needs no node
  expect_error<ShapeError>(
      [] {
        summarize(Network(Shape{6}).reshape({4, -1}));
      },
      {"reshape_1", "6 elements", "[4, -1]"});
}

TEST(PoolLayers, StepByTheirWindowUnlessToldOtherwise) {
  const Built built = inference(Network(Shape{3, 9, 8})
                                    .max_pool({2})
                                    .average_pool({3, 1}, {.stride = {1}, .padding = "same"}));
  EXPECT_EQ(built.ops(), "max_pool average_pool");
  EXPECT_EQ(built.output, (Shape{2, 3, 4, 4}));
  Network net(Shape{3, 9, 8});
  expect_error<UsageError>([&] { net.max_pool({}); }, {"max_pool_1: 'window' is []"});
  expect_error<UsageError>([&] { net.max_pool({2}, {.padding = "full"}); }, {"\"full\"", "same"});
  expect_error<ShapeError>(
      [] {
        summarize(Network(Shape{3, 99, 99}).max_pool({16}));
      },
      {"max_pool_1", "16,16", "256 elements"});
}

TEST(PoolLayers, LeaveANumberAChannelWhereTheyAreGlobal) {
  for (const Shape& image : {Shape{5, 9}, Shape{5, 9, 8}, Shape{5, 20, 30, 2}}) {
    const Built average = inference(Network(image).global_average_pool());
    EXPECT_EQ(average.ops(), "average_pool reshape");
    EXPECT_EQ(average.output, (Shape{2, 5}));
    EXPECT_EQ(inference(Network(image).global_max_pool()).output, (Shape{2, 5}));
  }
  expect_error<ShapeError>([] { summarize(Network(Shape{5}).global_average_pool()); },
                           {"global_average_pool_1", "[1, 5]"});
  expect_error<ShapeError>([] { summarize(Network(Shape{5}).global_max_pool()); },
                           {"global_max_pool_1", "[1, 5]"});
}

TEST(WindowLayers, PadAsManyElementsAsTheyAreTold) {
  const Built built = inference(Network(Shape{3, 9, 8})
                                    .convolution(4, {7}, {.stride = {2}, .padding = "3"})
                                    .max_pool({3}, {.stride = {2}, .padding = "1"}));
  EXPECT_EQ(built.output, (Shape{2, 4, 3, 2}));
  const auto& attributes = std::prev(built.graph.nodes().end(), 2)->get()->op().attributes();
  EXPECT_EQ(attributes.text("before"), "3,3");
  EXPECT_EQ(attributes.text("after"), "3,3");
  Network net(Shape{3, 9, 8});
  for (const char* padding : {"", "-1", "1x1", "1.5", "9999999999"})
    expect_error<UsageError>([&] { net.convolution(4, {3}, {.padding = padding}); },
                             {"convolution_1: 'padding' is", "\"same\"", "\"0\""});
}

TEST(NormLayers, TrainByTheBatchAndInferByRunningStatistics) {
  const Network net = Network(Shape{4}).batch_norm().layer_norm();
  const Built training(net, Mode::training);
  EXPECT_EQ(training.ops(), "batch_norm layer_norm");
  EXPECT_EQ(training.parameters(),
            "batch_norm_1/gamma batch_norm_1/beta layer_norm_1/gamma layer_norm_1/beta");
  ASSERT_EQ(training.builder.statistic_updates().size(), 2u);
  EXPECT_EQ(training.builder.statistic_updates()[1].state.name, "batch_norm_1/variance");
  EXPECT_EQ(training.builder.statistic_updates()[1].state.fill, 1.0);
  const Built at_test = inference(net);
  EXPECT_EQ(at_test.ops(), "batch_norm_inference layer_norm");
  EXPECT_EQ(at_test.parameters(), training.parameters());
  EXPECT_TRUE(at_test.builder.statistic_updates().empty());
}

TEST(AugmentLayer, IsThereInTrainingOnly) {
  const Network net = Network(Shape{3, 8, 8}).augment({.shift = 0.25, .horizontal_flip = true});
  const Built training(net, Mode::training);
  EXPECT_EQ(training.ops(), "augment");
  EXPECT_EQ(training.output, (Shape{2, 3, 8, 8}));
  EXPECT_EQ(inference(net).ops(), "");
  EXPECT_EQ(Built(Network(Shape{3, 8, 8}).augment(), Mode::training).ops(), "");
  EXPECT_EQ(net.layers()[0]->description(), "augment shift 0.25, horizontal flip");
  Network by_name(Shape{3, 8, 8});
  by_name.add("augment", {{"shift", 0.25}, {"horizontal_flip", true}});
  EXPECT_EQ(by_name.layers()[0]->options(), net.layers()[0]->options());
  expect_error<UsageError>(
      [] {
        Network(Shape{3, 8, 8}).augment({.shift = 1});
      },
      {"augment_1: 'shift' is 1.0, expected one in [0, 1)"});
  expect_error<ShapeError>([] { inference(Network(Shape{8}).augment({.shift = 0.5})); },
                           {"augment_1", "[2, 8]", "height, width"});
}

// Its place is before the parameters: behind them, training would need a gradient.
TEST(AugmentLayer, GetsNoGradient) {
  const Network net = Network(Shape{4}).dense(12).reshape({3, 2, 2}).augment({.shift = 0.5});
  Built built(net, Mode::training);
  graph::Value* output = built.graph.nodes().back()->output();
  graph::Value* loss = ops::reduce_all(built.graph, output, ReduceKind::sum, "loss");
  const std::vector<graph::Value*> wanted{built.builder.parameters()[0].value};
  expect_error<UsageError>([&] { graph::differentiate(built.graph, loss, wanted); }, {"augment"});
}

TEST(BranchLayers, NameTheirLayersAndJoinTheInput) {
  Network net(Shape{4});
  net.residual(Network().dense(4).residual(Network().dense(4).relu()))
      .concatenate(Network().dense(2));
  const Built built = inference(net);
  EXPECT_EQ(built.ops(), "dense dense relu add add dense concatenate");
  EXPECT_EQ(built.output, (Shape{2, 6}));
  EXPECT_EQ(built.parameters(),
            "residual_1/dense_1/weights residual_1/dense_1/bias "
            "residual_1/residual_1/dense_1/weights residual_1/residual_1/dense_1/bias "
            "concatenate_1/dense_1/weights concatenate_1/dense_1/bias");
  expect_error<ShapeError>([] { summarize(Network(Shape{4}).residual(Network().dense(3))); },
                           {"residual_1", "[1, 3]", "[1, 4]"});
  const Built projected =
      inference(Network(Shape{4}).residual(Network().dense(3).relu(), Network().dense(3)));
  EXPECT_EQ(projected.ops(), "dense relu dense add");
  EXPECT_EQ(projected.output, (Shape{2, 3}));
  EXPECT_EQ(projected.parameters(),
            "residual_1/dense_1/weights residual_1/dense_1/bias "
            "residual_1/shortcut/dense_1/weights residual_1/shortcut/dense_1/bias");
}

TEST(LayerTypes, MakeWhatTheBuilderMakes) {
  Network by_name(Shape{4}), by_builder(Shape{4});
  by_name.add("dense", {{"units", std::int64_t{3}}, {"kernel_initializer", "normal:0.1"}});
  by_builder.dense(3, {.kernel_initializer = Initializer::normal(0.1)});
  EXPECT_EQ(by_name.layers()[0]->options(), by_builder.layers()[0]->options());
  EXPECT_EQ(by_name.layers()[0]->name(), "dense_1");
  by_name.add("dropout", {{"rate", std::int64_t{0}}});  // an integer does for a number
  expect_error<OptionError>([&] { by_name.add("dens", {}); }, {"'dens'", "dense, "});
  expect_error<OptionError>([&] { by_name.add("dense", {}); }, {"'units' is missing"});
  expect_error<OptionError>(
      [&] {
        by_name.add("dense", {{"units", 2.5}});
      },
      {"'units' is 2.5, expected an integer"});
  expect_error<OptionError>(
      [&] {
        by_name.add("softmax", {{"axis", 1.0}});
      },
      {"no option 'axis', expected none"});
}

class Doubled final : public Layer {
 public:
  using Layer::Layer;
  std::string description() const override { return "x + x"; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    return builder.graph().apply(graph::make_add(), {x, x}, name());
  }
};

TEST(LayerTypes, LeaveRoomForLayersOfAnApplication) {
  Network net(Shape{4});
  net.add(std::make_shared<Doubled>("twice"));
  EXPECT_EQ(inference(net).ops(), "add");
  EXPECT_THROW(net.add(std::make_shared<Doubled>("twice")), UsageError);
  Network branch;
  branch.add(std::make_shared<Doubled>("twice"));
  expect_error<UsageError>([&] { net.residual(branch); }, {"'twice'", "renamed()"});
  LayerTypes types = layer_types();
  types.add({"twice", "x + x", {}, [](std::string name, const OptionValues&) {
               return std::make_shared<Doubled>(std::move(name));
             }});
  EXPECT_EQ(types.find("twice")->make("t", {})->name(), "t");
  EXPECT_THROW(types.add({"twice", "", {}, nullptr}), UsageError);
}

}  // namespace
}  // namespace engine
