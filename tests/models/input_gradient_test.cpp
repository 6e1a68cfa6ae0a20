// The gradient with respect to the observations: by finite differences, through every layer of the
// reference models, and that training does without it.
#include "models/train/input_gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/core/error.h"
#include "graph/op.h"
#include "kernels/recurrent.h"
#include "models/train/inference.h"
#include "models/train/trainer.h"
#include "tests/models/scratch.h"
#include "tests/support/interpreter.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

// Smooth, so that differences converge everywhere.
ModelDefinition smooth_model() {
  Network network(Shape{2, 6, 6});
  network.convolution(3, {3}, {.activation = "tanh"})
      .batch_norm()
      .average_pool({2})
      .flatten()
      .dense(4, {.activation = "sigmoid"});
  return {"smooth", "for tests", network};
}

int count_op(const graph::Graph& graph, const std::string& op) {
  int found = 0;
  for (const auto& node : graph.nodes()) found += node->op().name() == op ? 1 : 0;
  return found;
}

// Random numbers for all that a graph reads.
test::HostStates random_states(const graph::Graph& graph) {
  test::HostStates states;
  unsigned seed = 1;
  for (const graph::State& state : graph.states())
    if (state.role != graph::StateRole::output && state.role != graph::StateRole::constant)
      states[state.name] = test::random_tensor(
          state.type, state.role == graph::StateRole::statistic ? 0.5 : -1, 1, seed++);
  return states;
}

double objective(const graph::Graph& graph, test::HostStates states) {
  test::interpret(graph, states);
  const std::vector<double>& outputs = states.at(kInputOutputs).values;
  return std::inner_product(outputs.begin(), outputs.end(),
                            states.at(kInputOutputWeights).values.begin(), 0.0);
}

TEST(InputGradient, IsThatOfCentralDifferences) {
  const StepGraph step = input_gradient_graph(smooth_model(), 2);
  step.graph.verify();
  test::HostStates states = random_states(step.graph);
  test::HostStates after = states;
  test::interpret(step.graph, after);
  const std::vector<double>& gradient = after.at(kInputGradient).values;
  ASSERT_EQ(gradient.size(), 2u * 2 * 6 * 6);
  constexpr double kStep = 1e-4;  // its square is what a difference is off by, times derivatives
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    double& x = states.at(kInputObservations).values[i];
    const double was = x;
    x = was + kStep;
    const double above = objective(step.graph, states);
    x = was - kStep;
    const double below = objective(step.graph, states);
    x = was;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 100 * kStep * kStep) << i;
  }
}

// Gradients in a graph: of the weights of layers, and of the inputs of layers. A recurrent layer
// has one op for both.
struct Gradients {
  explicit Gradients(const graph::Graph& graph) {
    for (const char* op : {"convolution", "dense"}) {
      weights += count_op(graph, std::string(op) + "_weight_gradient");
      inputs += count_op(graph, std::string(op) + "_input_gradient");
    }
    layers = weights;
    for (const auto& node : graph.nodes())
      if (node->op().name() == "lstm_gradient") {
        ++layers;
        inputs += RecurrentAttributes::from(node->op().attributes()).input_gradient;
      }
  }
  int layers = 0, weights = 0, inputs = 0;
};

TEST(InputGradient, IsComputedWhereItIsAskedForAndNowhereElse) {
  for (const ModelDefinition& model : zoo()) {
    if (model.text) continue;  // there is no gradient of tokens
    const StepGraph asked = input_gradient_graph(model, 2);
    Feed feed{.part = Part::train, .count = 64, .batch = 2, .shuffle = true};
    feed.group = feed.groups().front();
    const StepGraph training = training_graph(model, feed, {});
    // One layer looks at the observations: training leaves out the gradient of its input alone.
    const Gradients trained(training.graph), wanted(asked.graph);
    EXPECT_GT(trained.layers, 1) << model.name;
    EXPECT_EQ(trained.inputs, trained.layers - 1) << model.name;
    EXPECT_EQ(wanted.inputs, trained.layers) << model.name;
    EXPECT_EQ(wanted.weights, 0) << model.name;
  }
}

TEST(InputGradient, UnknownLayersAndEmptyBatchesAreRefused) {
  const ModelDefinition model = smooth_model();
  EXPECT_THROW(input_gradient_graph(model, 0), UsageError);
  expect_error<UsageError>([&] { model.network.up_to("dense_7"); },
                           {"'dense_7'", "average_pool_1, flatten_1, dense_1"});
  EXPECT_EQ(model.network.up_to("flatten_1").dense(2).layers().back()->name(), "dense_2");
}

// By two single steps of a gradient, in f32: what the session gives is off by their rounding.
void expect_central_differences(InputGradientSession& session, const std::vector<float>& x,
                                const std::vector<float>& weights, std::size_t every) {
  constexpr float kStep = 1.0f / 64;
  const auto objective_at = [&](std::size_t i, float step) {
    std::vector<float> moved = x;
    moved[i] += step;
    const std::vector<float> outputs = session.run(moved, weights).outputs;
    return std::inner_product(outputs.begin(), outputs.end(), weights.begin(), 0.0);
  };
  const std::vector<float> gradient = session.run(x, weights).gradient;
  double largest = 0;
  for (float g : gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
  EXPECT_GT(largest, 0);
  for (std::size_t i = 0; i < x.size(); i += every) {
    const double slope = (objective_at(i, kStep) - objective_at(i, -kStep)) / (2 * kStep);
    EXPECT_NEAR(gradient[i], slope, 0.01 * largest) << i;
  }
}

class InputGradientTest : public testing::TestWithParam<std::string> {};

// Trains a little, so that there is a checkpoint.
std::string checkpoint_of(const ModelDefinition& model, const std::string& run) {
  TrainSettings settings = default_settings(model);
  settings.data = "synthetic:200";
  settings.epochs = 1;
  settings.device = "cpu";
  settings.autotune = "off";
  Callback silent;
  train(model, settings, {run, ""}, silent);
  return run + "/checkpoints/last.safetensors";
}

TEST_P(InputGradientTest, SessionAgreesWithTheReferencesAndWithPrediction) {
  const ScratchFolder scratch;
  const ModelDefinition model = find_model("mnist-cnn");
  const std::string checkpoint = checkpoint_of(model, scratch / "run");
  RuntimeOptions options;
  options.device = GetParam();
  options.tuner.mode = Autotune::off;
  ModelDefinition cut = model;
  cut.network = model.network.up_to("convolution_1");
  InputGradientSession session(cut, checkpoint, 2, options);
  EXPECT_EQ(session.output_shape(), (Shape{2, 32, 26, 26}));

  const ReferenceTensor x = test::random_tensor({Shape{2, 1, 28, 28}, DType::f32}, 0, 1, 7);
  const std::vector<float> observations(x.values.begin(), x.values.end());
  std::vector<float> weights(2 * 32 * 26 * 26);
  std::fill(weights.begin(), weights.begin() + 26 * 26, 1.f);  // channel 0 of the first image
  const InputGradientSession::Result result = session.run(observations, weights);
  InferenceSession inference(cut, checkpoint, 2, DType::f32, options);
  EXPECT_EQ(result.outputs, inference.predict(std::span<const float>(observations)));
  // Only the first image was asked about.
  const auto half = result.gradient.begin() + 28 * 28;
  EXPECT_TRUE(std::any_of(result.gradient.begin(), half, [](float g) { return g != 0; }));
  EXPECT_TRUE(std::all_of(half, result.gradient.end(), [](float g) { return g == 0; }));
  EXPECT_THROW(session.run(observations, std::span(weights).first(5)), UsageError);
  EXPECT_THROW(session.run(std::span(observations).first(5), weights), UsageError);
}

// Of a model that is normalized by channel: observations and gradient are those of the outside.
TEST_P(InputGradientTest, SessionIsHeldAgainstCentralDifferences) {
  const ScratchFolder scratch;
  ModelDefinition model = smooth_model();
  model.classes = 4;
  model.batch = 20;
  model.input_mean = {0.25, -0.5};
  model.input_deviation = {0.5, 2};
  const std::string checkpoint = checkpoint_of(model, scratch / "run");
  RuntimeOptions options;
  options.device = GetParam();
  options.tuner.mode = Autotune::off;
  InputGradientSession session(model, checkpoint, 2, options);
  const std::vector<double> drawn =
      test::random_tensor({Shape{2, 2, 6, 6}, DType::f32}, -1, 1, 3).values;
  const std::vector<float> x(drawn.begin(), drawn.end());
  const std::vector<float> weights{1, -0.5f, 0.25f, 2, 0, 1, 1, -1};
  expect_central_differences(session, x, weights, 5);
  InferenceSession inference(model, checkpoint, 2, DType::f32, options);
  const std::vector<float> outputs = session.run(x, weights).outputs,
                           predicted = inference.predict(x);
  for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_NEAR(outputs[i], predicted[i], 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Devices, InputGradientTest, testing::ValuesIn(test::test_devices()),
                         [](const auto& device) { return device.param; });

}  // namespace
}  // namespace engine
