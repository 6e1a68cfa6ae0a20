// predict --features, held against the same layer's outputs through the library.
#include <gtest/gtest.h>

#include <sstream>

#include "models/train/inference.h"
#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

constexpr std::size_t kCount = 5;

class Features : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome trained = run_tool(
        "engine-train", fit({"--steps", "3", "--quiet", "--out", folder_ / "run"}), folder_);
    ASSERT_EQ(trained.status, 0) << trained.err;
  }

  Outcome predict(const Words& words) const {
    Words command = {"predict", folder_ / "run", "--data", "synthetic:2000", "--count",
                     "5",       "--json"};
    command.insert(command.end(), words.begin(), words.end());
    return run_tool("engine-train", command, folder_);
  }

  // Those of the first test observations.
  std::vector<float> expected(const std::string& layer) const {
    ModelDefinition model = find_model("mnist-mlp");
    model.network = model.network.up_to(layer);
    std::vector<std::uint8_t> bytes;
    open_dataset("synthetic:2000", {Shape{784}, 10})
        ->read_observations(Part::test, [&](std::span<const std::byte> piece) {
          for (std::byte byte : piece) bytes.push_back(std::to_integer<std::uint8_t>(byte));
        });
    RuntimeOptions options;
    options.device = "cpu";
    options.threads = 1;
    options.tuner.mode = Autotune::off;
    InferenceSession session(model, folder_ / "run/checkpoints/last.safetensors", 100, DType::u8,
                             options);
    return session.predict(std::span<const std::uint8_t>(bytes).first(kCount * 784));
  }

  void expect_features(const Words& words, const std::string& layer, std::size_t width) const {
    const Outcome outcome = predict(words);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const std::vector<json> rows = json_lines(outcome.out);
    ASSERT_EQ(rows.size(), kCount);
    const std::vector<float> values = expected(layer);
    ASSERT_EQ(values.size(), kCount * width);
    for (std::size_t row = 0; row < kCount; ++row) {
      EXPECT_EQ(rows[row]["index"], row);
      EXPECT_TRUE(rows[row]["label"].is_number_integer());
      ASSERT_EQ(rows[row]["features"].size(), width);
      for (std::size_t i = 0; i < width; ++i)
        EXPECT_FLOAT_EQ(rows[row]["features"][i], values[row * width + i]) << row << ", " << i;
    }
  }

  const WorkFolder folder_;
};

TEST_F(Features, AreWhatTheLayerBeforeTheClassifierMakes) {
  expect_features({"--features"}, "dropout_2", 512);
}

TEST_F(Features, OfANamedLayer) {
  expect_features({"--features", "dense_1"}, "dense_1", 512);
  expect_features({"--features=dense_3"}, "dense_3", 10);
}

TEST_F(Features, AsCsvHaveAHeader) {
  const Outcome outcome = run_tool("engine-train",
                                   {"predict", folder_ / "run", "--data", "synthetic:2000",
                                    "--count", "5", "--features", "dense_3"},
                                   folder_);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream text(outcome.out);
  std::string line;
  std::getline(text, line);
  EXPECT_EQ(line.rfind("index,label,feature_0,feature_1,", 0), 0u) << line;
  const std::vector<float> values = expected("dense_3");
  std::size_t next = 0;
  while (std::getline(text, line)) {
    std::istringstream cells(line);
    std::string cell;
    std::getline(cells, cell, ',');
    EXPECT_EQ(cell, std::to_string(next / 10));
    std::getline(cells, cell, ',');
    while (std::getline(cells, cell, ',')) EXPECT_FLOAT_EQ(std::stof(cell), values.at(next++));
  }
  EXPECT_EQ(next, kCount * 10);
}

TEST_F(Features, AnUnknownLayerNamesThoseThereAre) {
  expect_error(
      predict({"--features", "dense_9"}), 2,
      "no layer is called 'dense_9', expected one of: dense_1, relu_1, dropout_1, dense_2");
}

}  // namespace
}  // namespace engine
