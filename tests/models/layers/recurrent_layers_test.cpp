// Layers over sequences: what they emit, what they declare, and what they refuse.
#include <gtest/gtest.h>

#include "kernels/recurrent.h"
#include "models/file/model_file.h"
#include "models/zoo/zoo.h"
#include "tests/models/layers/built.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

TEST(RecurrentLayers, DeclareWhatKerasDoes) {
  const Built lstm(Network(Shape{7, 3}).lstm(5), Mode::inference);
  EXPECT_EQ(lstm.output, (Shape{2, 5}));
  ASSERT_EQ(lstm.builder.parameters().size(), 3u);
  EXPECT_EQ(lstm.parameter("lstm_1/weights").state.type.shape, (Shape{3, 20}));
  const Parameter& recurrent = lstm.parameter("lstm_1/recurrent_weights");
  EXPECT_EQ(recurrent.state.type.shape, (Shape{5, 20}));
  EXPECT_EQ(recurrent.initializer, Initializer::orthogonal());
  const Parameter& bias = lstm.parameter("lstm_1/bias");
  const std::vector<float> start =
      draw(bias.initializer, 20, bias.fan_in, bias.fan_out, random_key(0, "bias"));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(start[i], i >= 5 && i < 10 ? 1 : 0) << i;

  const Built gru(Network(Shape{7, 3}).gru(5, {{.return_sequences = true}}), Mode::inference);
  EXPECT_EQ(gru.output, (Shape{2, 7, 5}));
  EXPECT_EQ(gru.of("gru_reset_after").size(), 1u);
  EXPECT_EQ(gru.parameter("gru_1/bias").state.type.shape, (Shape{2, 15}));
  GruOptions before;
  before.reset_after = false;
  const Built early(Network(Shape{7, 3}).gru(5, before), Mode::inference);
  EXPECT_EQ(early.of("gru").size(), 1u);
  EXPECT_EQ(early.parameter("gru_1/bias").state.type.shape, (Shape{15}));
}

TEST(RecurrentLayers, DropInTrainingOnly) {
  const Network net = Network(Shape{7, 3}).lstm(5, {{.dropout = 0.2, .recurrent_dropout = 0.1}});
  const Built training(net, Mode::training);
  EXPECT_EQ(training.of("dropout").size(), 2u);
  const graph::Node& node = *training.of("lstm").at(0);
  EXPECT_TRUE(RecurrentAttributes::from(node.op().attributes()).scale);
  EXPECT_EQ(node.inputs().back()->producer().op().name(), "dropout");
  EXPECT_EQ(node.input(0)->producer().op().name(), "multiply");
  const Built inference(net, Mode::inference);
  EXPECT_TRUE(inference.of("dropout").empty());
  EXPECT_FALSE(RecurrentAttributes::from(inference.of("lstm").at(0)->op().attributes()).scale);
}

TEST(RecurrentLayers, GoBothWays) {
  const Built built(Network(Shape{7, 3})
                        .bidirectional(Network().gru(4, {{.return_sequences = true}}))
                        .bidirectional(Network().lstm(5)),
                    Mode::inference);
  EXPECT_EQ(built.output, (Shape{2, 10}));
  const auto grus = built.of("gru_reset_after");
  ASSERT_EQ(grus.size(), 2u);
  EXPECT_FALSE(RecurrentAttributes::from(grus[0]->op().attributes()).reverse);
  EXPECT_TRUE(RecurrentAttributes::from(grus[1]->op().attributes()).reverse);
  EXPECT_EQ(built.parameter("bidirectional_1/backward/weights").state.type.shape, (Shape{3, 12}));
  EXPECT_EQ(built.parameter("bidirectional_2/forward/weights").state.type.shape, (Shape{8, 20}));
}

TEST(RecurrentLayers, PassOverPaddingUntilOneReturnsNoSequences) {
  const auto words = [](const Network& layers) {
    Network net(Shape{7}, DType::i32);
    net.embedding(9, 3, {.mask_zero = true});
    for (const auto& layer : layers.layers()) net.add(layer);
    return Built(net, Mode::inference);
  };
  const auto masked = [](const graph::Node* node) {
    return RecurrentAttributes::from(node->op().attributes()).mask;
  };
  const Built stack = words(Network()
                                .bidirectional(Network().gru(4, {{.return_sequences = true}}))
                                .time_distributed(Network().dense(2))
                                .lstm(5)
                                .repeat_vector(6)
                                .lstm(3));
  for (const graph::Node* gru : stack.of("gru_reset_after")) EXPECT_TRUE(masked(gru));
  EXPECT_TRUE(masked(stack.of("lstm").at(0)));
  EXPECT_FALSE(masked(stack.of("lstm").at(1)));
  const Built sum = words(Network().residual(Network().dropout(0.5)).lstm(5));
  EXPECT_TRUE(masked(sum.of("lstm").at(0)));
  expect_error<ShapeError>([&] { words(Network().slice(0, 2)); }, {"slice_1", "masked"});
  Network two(Shape{7}, DType::i32);
  const auto side = [] { return Network().embedding(9, 3, {.mask_zero = true}); };
  two.residual(side(), side());
  expect_error<ShapeError>([&] { summarize(two); }, {"residual_1", "both sides"});
}

TEST(SequenceLayers, CutAndRepeatSteps) {
  const Built built(Network(Shape{9, 3})
                        .slice(2, 4)
                        .time_distributed(Network().dense(6).relu())
                        .lstm(5)
                        .repeat_vector(3),
                    Mode::inference);
  EXPECT_EQ(built.output, (Shape{2, 3, 5}));
  EXPECT_EQ(built.parameter("time_distributed_1/dense_1/weights").state.type.shape, (Shape{3, 6}));
  EXPECT_EQ(built.of("dense").at(0)->input(0)->type().shape, (Shape{8, 3}));
}

TEST(SequenceLayers, RefuseByName) {
  Network net(Shape{4, 2});
  expect_error<UsageError>([&] { net.lstm(0); }, {"lstm_1: 'units' is 0, expected 1 to"});
  expect_error<UsageError>([&] { net.gru(2, {{.dropout = 1}}); }, {"'dropout' is 1.0"});
  expect_error<UsageError>([&] { net.lstm(2, {{.recurrent_dropout = -0.1}}); },
                           {"'recurrent_dropout' is -0.1"});
  expect_error<UsageError>([&] { net.bidirectional(Network().dense(2)); },
                           {"bidirectional_1: 'layer' is", "one recurrent layer"});
  expect_error<UsageError>([&] { net.time_distributed(Network()); }, {"'layer' is 0 layers"});
  expect_error<UsageError>([&] { net.slice(0, 0); }, {"'count' is 0"});
  expect_error<UsageError>([&] { net.repeat_vector(0); }, {"'count' is 0"});
  EXPECT_TRUE(net.layers().empty());
  expect_error<ShapeError>([] { summarize(Network(Shape{4}).lstm(2)); },
                           {"lstm_1", "[batch, steps, features]"});
  expect_error<ShapeError>(
      [] {
        summarize(Network(Shape{4, 2}).slice(3, 2));
      },
      {"slice_1", "no steps 3 to 4"});
  expect_error<ShapeError>(
      [] {
        summarize(Network(Shape{4, 2}).repeat_vector(2));
      },
      {"repeat_vector_1", "[batch, features]"});
}

TEST(SequenceModels, HierarchicalNetIsTheOnePublished) {
  std::int64_t parameters = 0;
  for (const LayerSummary& line : summarize(find_model("mnist-hrnn").network))
    parameters += line.parameters;
  EXPECT_EQ(parameters, 199434);
}

TEST(SequenceModels, AreWrittenToFilesAndReadBack) {
  const ScratchFolder folder;
  ModelDefinition model = find_model("mnist-hrnn");
  model.network = Network(Shape{28, 28, 1});
  model.network.time_distributed(Network().lstm(8, {{.recurrent_dropout = 0.25}}))
      .bidirectional(Network().gru(6))
      .dense(10);
  const std::string path = folder / "model.toml";
  write_text(path, describe_model(model).value());
  const ModelDefinition read = load_model_file(path);
  const auto written = summarize(model.network), back = summarize(read.network);
  ASSERT_EQ(written.size(), back.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_EQ(written[i].description, back[i].description);
    EXPECT_EQ(written[i].parameters, back[i].parameters);
  }
}

}  // namespace
}  // namespace engine
