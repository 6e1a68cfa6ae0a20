// Model files: what they make, what they refuse and where they say it is, and that what is written
// reads back as the same model.
#include "models/file/model_file.h"

#include <gtest/gtest.h>

#include <set>

#include "models/layers/layer_type.h"
#include "models/train/trainer.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

// mnist-mlp, as an application would write it.
constexpr const char* kMnistMlp = R"(# Keras' mnist_mlp
name = "mnist-mlp"
input = [784]
classes = 10
batch = 128
epochs = 20

[optimizer]
name = "rmsprop"
learning_rate = 1e-3
rho = 0.9
epsilon = 1e-7

[[layer]]
type = "dense"
units = 512
activation = "relu"
[[layer]]
type = "dropout"
rate = 0.2
[[layer]]
type = "dense"
units = 512
activation = "relu"
[[layer]]
type = "dropout"
rate = 0.2
[[layer]]
type = "dense"
units = 10
)";

class ModelFile : public testing::Test {
 protected:
  ModelDefinition load(const std::string& text) {
    write_text(path_, text);
    return load_model_file(path_);
  }
  void expect_refused(const std::string& text, int line, const std::vector<std::string>& parts) {
    std::vector<std::string> all{path_ + ":" + std::to_string(line) + ": "};
    all.insert(all.end(), parts.begin(), parts.end());
    expect_error<DataError>([&] { load(text); }, all);
  }

  ScratchFolder folder_;
  const std::string path_ = folder_ / "my.toml";
};

TEST_F(ModelFile, HasTheLayersAndDefaultsOfTheBuilder) {
  const ModelDefinition model = load(kMnistMlp);
  const ModelDefinition built_in = find_model("mnist-mlp");
  EXPECT_EQ(model.name, "mnist-mlp");
  EXPECT_EQ(model.batch, built_in.batch);
  EXPECT_EQ(model.epochs, built_in.epochs);
  EXPECT_EQ(model.input_scale, built_in.input_scale);
  EXPECT_EQ(model.classes, built_in.classes);
  EXPECT_EQ(model.partial_batches, built_in.partial_batches);
  EXPECT_EQ(model.network.input(), Shape{784});
  Network same(Shape{784});
  same.dense(512, {.activation = "relu"}).dropout(0.2);
  same.dense(512, {.activation = "relu"}).dropout(0.2).dense(10);
  ASSERT_EQ(model.network.layers().size(), same.layers().size());
  for (std::size_t i = 0; i < same.layers().size(); ++i) {
    EXPECT_EQ(model.network.layers()[i]->name(), same.layers()[i]->name());
    EXPECT_EQ(model.network.layers()[i]->type(), same.layers()[i]->type());
    EXPECT_EQ(model.network.layers()[i]->options(), same.layers()[i]->options());
  }
}

TEST_F(ModelFile, IsNamedAfterTheFileUnlessItSaysOtherwise) {
  EXPECT_EQ(load("input = [4]\nclasses = 2\n[[layer]]\ntype = 'dense'\nunits = 2").name, "my");
  EXPECT_EQ(find_model(path_).name, "my");
  expect_error<DataError>([&] { find_model(folder_ / "none.toml"); }, {folder_ / "none.toml"});
}

// A residual block with a projection, as in He et al.
constexpr const char* kResidual = R"(
input = [3, 8, 8]
[[layer]]
type = "residual"
[[layer.layer]]
type = "convolution"
filters = 5
kernel = [3]
stride = [2]
padding = "1"
[[layer.layer]]
type = "batch_norm"
[[layer.shortcut]]
type = "convolution"
filters = 5
kernel = [1]
stride = [2]
[[layer]]
type = "global_average_pool"
[[layer]]
type = "dense"
units = 10
)";

TEST_F(ModelFile, SaysResidualBlocksWithShortcuts) {
  const ModelDefinition model = load(kResidual);
  Network same(Shape{3, 8, 8});
  same.residual(Network().convolution(5, {3}, {.stride = {2}, .padding = "1"}).batch_norm(),
                Network().convolution(5, {1}, {.stride = {2}}))
      .global_average_pool()
      .dense(10);
  ModelDefinition expected = model;
  expected.network = same;
  EXPECT_EQ(describe_model(model), describe_model(expected));
  expect_refused(std::string(kResidual).replace(std::string(kResidual).rfind("filters = 5"), 11,
                                                "filters = 4"),
                 3, {"residual", "[1, 5, 4, 4]", "[1, 4, 4, 4]"});
}

// A network of tokens is a matter of its layers; here the file only says what its data are.
TEST_F(ModelFile, SaysWhatTokensAre) {
  const std::string layers =
      "[[layer]]\ntype = 'embedding'\ninput_dim = 40\noutput_dim = 1\n"
      "[[layer]]\ntype = 'flatten'\n";
  ModelDefinition model{"text", "", Network(Shape{7}, DType::i32).embedding(40, 1).flatten()};
  model.classes = 7;
  model.text = TextFormat{40, {5, 2}, Padding::right};
  const ModelDefinition read = load(describe_model(model).value());
  ASSERT_TRUE(read.text);
  EXPECT_EQ(read.text->vocabulary, 40);
  EXPECT_EQ(read.text->segments, (std::vector<std::int64_t>{5, 2}));
  EXPECT_EQ(read.text->padding, Padding::right);
  const std::string start = "classes = 7\ninput = [7]\n";
  EXPECT_FALSE(load(start + "[[layer]]\ntype = 'relu'\n").text);
  EXPECT_EQ(load(start + "vocabulary = 9\n" + layers).text->segments,
            (std::vector<std::int64_t>{7}));
  expect_refused(start + "vocabulary = -1\n" + layers, 3, {"vocabulary", "0 to"});
  expect_refused(start + "segments = [7]\n" + layers, 3, {"segments", "vocabulary"});
  expect_refused(start + "vocabulary = 9\nsegments = [3, 3]\n" + layers, 4, {"7 tokens"});
  expect_refused(start + "vocabulary = 9\nsegments = [8, -1]\n" + layers, 4, {"1 to 7"});
  expect_refused(start + "padding = 'both'\n" + layers, 3, {"left or right"});
  expect_refused("classes = 7\nvocabulary = 9\ninput = [1, 7]\n" + layers, 3, {"one axis"});
}

TEST_F(ModelFile, ReadsBackWhatIsWritten) {
  ModelDefinition model{"all", "a \"quoted\" \\ line", Network(Shape{2, 6})};
  model.input_scale = 0.5;
  model.input_mean = {0.485, -1};
  model.input_deviation = {0.1 + 0.2};
  model.huber_delta = 0.25;
  model.loss = Loss::huber_loss;
  model.classes = 3;
  model.epochs = 7;
  model.partial_batches = false;
  model.optimizer.learning_rate = 0.125;
  Network inner;
  inner.dense(12, {.activation = "gelu", .kernel_initializer = Initializer::orthogonal()})
      .residual(Network().relu().dropout(0.25));
  model.network.flatten()
      .residual(inner)
      .reshape({3, -1})
      .layer_norm({.epsilon = 1e-5})
      .flatten()
      .batch_norm()
      .activation("elu", {{"alpha", 0.3}})
      .concatenate(Network().dense(2, {.use_bias = false}))
      .residual(Network().dense(4), Network().dense(4).relu())
      .dense(3)
      .log_softmax();
  const std::string text = describe_model(model).value();
  const ModelDefinition read = load(text);
  EXPECT_EQ(describe_model(read), text);
  EXPECT_EQ(read.description, model.description);
  EXPECT_EQ(read.loss, model.loss);
  EXPECT_EQ(read.huber_delta, model.huber_delta);
  EXPECT_EQ(read.input_mean, model.input_mean);
  EXPECT_EQ(read.input_deviation, model.input_deviation);
  EXPECT_EQ(read.optimizer.learning_rate, 0.125);
  EXPECT_FALSE(read.partial_batches);
  const std::vector<LayerSummary> before = summarize(model.network),
                                  after = summarize(read.network);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_EQ(after[i].description, before[i].description);
    EXPECT_EQ(after[i].parameters, before[i].parameters);
  }
}

TEST_F(ModelFile, EveryTypeOfLayerCanBeAskedFor) {
  const std::set<std::string> of_images{"augment",  "average_pool",        "convolution",
                                        "max_pool", "global_average_pool", "global_max_pool"};
  const std::set<std::string> of_steps{"lstm", "gru", "bidirectional", "time_distributed", "slice"};
  const std::set<std::string> extents{"kernel", "shape", "window"};
  const std::set<std::string> sizes{"count", "filters", "input_dim", "output_dim", "units"};
  for (const LayerType& type : layer_types().all()) {
    const std::string input = of_images.contains(type.name)  ? "[1, 2, 2]"
                              : of_steps.contains(type.name) ? "[4, 4]"
                                                             : "[4]";
    const std::string tokens = type.name == "embedding" ? "\nvocabulary = 4" : "";
    std::string text =
        "input = " + input + tokens + "\nclasses = 4\n[[layer]]\ntype = \"" + type.name + "\"\n";
    for (const OptionSpec& option : type.options)
      if (sizes.contains(option.name))
        text += option.name + " = 4\n";
      else if (option.required && extents.contains(option.name))
        text += option.name + (option.name == "shape" ? " = [4]\n" : " = [2]\n");
      else if (option.name == "layer")
        text += type.name == "bidirectional" ? "[[layer.layer]]\ntype = 'gru'\nunits = 2\n"
                                             : "[[layer.layer]]\ntype = 'relu'\n";
      else if (option.name == "begin")
        text += "begin = 0\n";
      else if (option.required)
        text += option.name + " = 0.5\n";
    text += "[[layer]]\ntype = 'flatten'\n[[layer]]\ntype = 'dense'\nunits = 4\n";
    const ModelDefinition model = load(text);
    EXPECT_EQ(model.network.layers()[0]->type(), type.name);
    const std::string written = describe_model(model).value();
    EXPECT_EQ(describe_model(load(written)), written);
  }
}

TEST_F(ModelFile, NamesTheLineOfWhatIsWrong) {
  const std::string head = "input = [784]\n";
  const std::string dense = "[[layer]]\ntype = 'dense'\nunits = 10\n";
  expect_refused(head + dense + "[[layer]]\ntype = 'dense'\nunits = -1\n", 7,
                 {"layer 2 (dense): 'units' is -1, expected 1 to"});
  expect_refused(head + "[[layer]]\ntype = 'dense'\nunits = 'ten'\n", 4,
                 {"'units' is \"ten\", expected an integer"});
  expect_refused(head + "[[layer]]\ntype = 'dense'\n", 2, {"'units' is missing"});
  expect_refused(head + "[[layer]]\ntype = 'dens'\n", 3, {"no layer type is called 'dens'"});
  expect_refused(head + "[[layer]]\nunits = 3\n", 2, {"layer 1: 'type' is missing"});
  expect_refused(head + "[[layer]]\ntype = 3\n", 3, {"'type' is no text"});
  expect_refused(head + "[[layer]]\ntype = 'dense'\nunits = 10\nunit = 3\n", 5,
                 {"no option 'unit', expected units, activation"});
  expect_refused(head + dense + "kernel_initializer = 'he'\n", 5,
                 {"'kernel_initializer'", "no initializer is 'he'"});
  expect_refused(
      head + "[[layer]]\ntype = 'residual'\n[[layer.layer]]\ntype = 'dropout'\nrate = 1.5", 6,
      {"layer 1 (residual): layer 1 (dropout): 'rate' is 1.5"});
  expect_refused(head + "[[layer]]\ntype = 'residual'\nlayer = []\n", 4, {"'layer' is []"});
}

TEST_F(ModelFile, RefusesModelsThatMakeNoSense) {
  const std::string dense = "[[layer]]\ntype = 'dense'\nunits = 10\n";
  expect_refused(dense, 1, {"'input' is missing"});
  expect_refused("input = []\n" + dense, 1, {"'input' is [], expected extents"});
  expect_refused("input = [0]\n" + dense, 1, {"'input' is [0]"});
  expect_refused("input = [4294967296, 4294967296]\n" + dense, 1, {"'input' is"});
  expect_refused("input = [4]\n", 1, {"no layers", "[[layer]]"});
  expect_refused("input = [4]\nlayer = 3\n", 2, {"no layers"});
  expect_refused("input = [4]\n[[layer]]\ntype = 'dense'\nunits = 9\n", 2,
                 {"the last layer gives [9], expected [10]"});
  expect_refused("input = [4, 4]\n" + dense, 2, {"layer 1 (dense)", "the input is"});
  for (const char* line :
       {"classes = 0", "classes = 65537", "batch = 0", "epochs = -1", "input_scale = inf",
        "input_scale = 0", "loss = 'hinge'", "name = 'a/b'", "name = ''", "name = '..'",
        "batch = 1.5", "partial_batches = 1", "bacth = 3", "batch = 1979-05-27"})
    expect_refused("input = [4]\n" + std::string(line) + "\n" + dense, 2, {"'"});
  const std::string image = "input = [3, 2, 2]\n";
  expect_refused(image + "input_mean = [0.5, 1]\n" + dense, 2,
                 {"'input_mean' is [0.5, 1.0], expected 1 number from -1e+15 to 1e+15 for all "
                  "channels of [3, 2, 2], or 3 of them, one for each"});
  expect_refused(image + "input_deviation = [1, 0, 1]\n" + dense, 2,
                 {"'input_deviation' is [1.0, 0.0, 1.0], expected 1 number from 1e-15 to"});
  expect_refused(image + "input_deviation = [-1]\n" + dense, 2, {"is [-1.0]"});
  expect_refused(image + "input_mean = [nan]\n" + dense, 2, {"is [nan]"});
  expect_refused(image + "input_mean = 0.5\n" + dense, 2, {"0.5, expected a list of numbers"});
  expect_refused(image + "input_mean = [0.5, 'a']\n" + dense, 2, {"'input_mean'", "mixed"});
  expect_refused("input = [17, 2]\ninput_mean = [1, 2]\n" + dense, 2,
                 {"to 1e+15 for all channels of [17, 2]"});
  expect_refused(image + "loss = 'huber_loss'\nhuber_delta = 0\n" + dense, 3,
                 {"'huber_delta' is 0.0, expected a positive finite number"});
  expect_refused(image + "huber_delta = 2\n" + dense, 2,
                 {"'huber_delta' is 2.0, expected none beside the loss softmax_cross_entropy"});
  expect_refused("input = [4]\n" + dense + "[optimizer]\nmomentun = 0.9\n", 6,
                 {"optimizer: there is no option 'momentun'", "momentum"});
  expect_refused("input = [4]\n" + dense + "[optimizer]\nname = 'adam'\nmomentum = 0.9\n", 7,
                 {"optimizer: --momentum: adam has none", "--beta1"});
  expect_refused("input = [4]\n" + dense + "[optimizer]\nlearning_rate = -1\n", 6,
                 {"optimizer: --lr -1", "expected a positive number"});
  expect_refused("input = [4]\noptimizer = 'sgd'\n" + dense, 2, {"'optimizer' is no table"});
}

TEST_F(ModelFile, RefusesWhatIsNoToml) {
  expect_refused("input = [4]\nbatch = \n", 2, {"no valid TOML"});
  expect_refused("input = [4]\ninput = [5]\n", 2, {"no valid TOML"});
  expect_refused(std::string("name = \"\xff\"\n"), 1, {"no valid TOML"});
  expect_refused(std::string("a\0b", 3), 1, {"no valid TOML"});
  expect_refused("x = " + std::string(5000, '['), 1, {"no valid TOML"});
  expect_error<DataError>([&] { load(std::string((1 << 20) + 1, '\n')); },
                          {path_, "1048577 bytes, a model file at most 1048576"});
  expect_error<DataError>([&] { load_model_file(folder_.path()); }, {folder_.path()});
}

TEST_F(ModelFile, TrainsToTheBitsOfTheSameModelInTheZoo) {
  const auto checkpoint = [&](const ModelDefinition& model, const std::string& run) {
    TrainSettings settings = default_settings(model);
    settings.data = "synthetic:600";
    settings.epochs = 2;
    settings.seed = 7;
    settings.device = "cpu";
    settings.autotune = "off";
    Callback nothing;
    train(model, settings, {folder_ / run, ""}, nothing);
    return read_text(folder_ / (run + "/checkpoints/last.safetensors"));
  };
  const std::string expected = checkpoint(find_model("mnist-mlp"), "built-in");
  EXPECT_TRUE(checkpoint(load(kMnistMlp), "toml") == expected);
  // As a run folder keeps it.
  EXPECT_TRUE(checkpoint(load(describe_model(find_model("mnist-mlp")).value()), "written") ==
              expected);
}

// Every kind of layer that has parameters or statistics, and branches, learn together.
TEST_F(ModelFile, TrainsWithEveryKindOfLayer) {
  const ModelDefinition model = load(R"(
input = [784]
batch = 64
[optimizer]
name = "adam"
[[layer]]
type = "reshape"
shape = [28, 28]
[[layer]]
type = "layer_norm"
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
units = 48
activation = "gelu"
use_bias = false
[[layer]]
type = "batch_norm"
momentum = 0.8
[[layer]]
type = "residual"
[[layer.layer]]
type = "dense"
units = 48
activation = "tanh"
kernel_initializer = "orthogonal"
[[layer.layer]]
type = "dropout"
rate = 0.1
[[layer]]
type = "concatenate"
[[layer.layer]]
type = "dense"
units = 16
kernel_initializer = "he_normal"
[[layer.layer]]
type = "leaky_relu"
[[layer]]
type = "dense"
units = 10
)");
  struct Losses final : Callback {
    void on_epoch(const EpochMetrics& metrics, TrainControl&) override { rows.push_back(metrics); }
    std::vector<EpochMetrics> rows;
  } losses;
  TrainSettings settings = default_settings(model);
  settings.data = "synthetic:1000";
  settings.epochs = 4;
  settings.device = "cpu";
  settings.autotune = "off";
  const TrainResult result = train(model, settings, {folder_ / "run", ""}, losses);
  ASSERT_EQ(losses.rows.size(), 4u);
  EXPECT_LT(*losses.rows[3].loss, 0.5 * *losses.rows[0].loss);
  EXPECT_GT(result.test.accuracy, 0.8);
}

}  // namespace
}  // namespace engine
