// A recurrent network on text, from a model file, as a user goes about it: trained, interrupted,
// resumed, evaluated and asked; padded alike, and in buckets of lengths.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/tools/tool.h"

namespace engine {
namespace {

constexpr int kReviews = 40;  // of each class and part

constexpr const char* kModel = R"(
input = [24]
vocabulary = 60
padding = "left"
classes = 2
batch = 16
epochs = 4
[optimizer]
name = "adam"
learning_rate = 0.02
[[layer]]
type = "embedding"
input_dim = 60
output_dim = 8
mask_zero = true
[[layer]]
type = "bidirectional"
[[layer.layer]]
type = "lstm"
units = 6
[[layer]]
type = "dense"
units = 2
)";

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

// Reviews of 3 to 30 words, of which one says what the review thinks.
void write_reviews(const WorkFolder& folder) {
  for (const char* part : {"train", "test"})
    for (int label : {0, 1})
      for (int i = 0; i < kReviews; ++i) {
        const int words = 3 + (i * 11 + label) % 28;
        std::string text;
        for (int n = 0; n < words; ++n)
          text += n == (i * 5) % words ? (label == 1 ? "wonderful " : "dreadful ")
                                       : "word" + std::to_string((i * 3 + n * 7) % 40) + " ";
        write(folder / "aclImdb/" + part + (label == 1 ? "/pos/" : "/neg/") + std::to_string(i) +
                  "_" + std::to_string(label == 1 ? 9 : 2) + ".txt",
              text);
      }
}

class TextRun : public testing::TestWithParam<std::string> {
 protected:
  TextRun() {
    write_reviews(folder_);
    write(folder_ / "model.toml", kModel);
  }
  Outcome fit(const std::string& run, const Words& words = {}) {
    Words command{"fit",   folder_ / "model.toml", "--data", folder_ / "aclImdb", "--device",
                  "cpu",   "--autotune",           "off",    "--buckets",         GetParam(),
                  "--out", folder_ / run,          "--json"};
    command.insert(command.end(), words.begin(), words.end());
    return run_tool("engine-train", command, folder_);
  }
  Outcome ask(const std::string& command, const Words& words = {}) {
    Words all{command, folder_ / "run", "--data", folder_ / "aclImdb", "--json"};
    all.insert(all.end(), words.begin(), words.end());
    return run_tool("engine-train", all, folder_);
  }

  WorkFolder folder_;
};

TEST_P(TextRun, IsTrainedEvaluatedAndAsked) {
  const Outcome trained = fit("run");
  ASSERT_EQ(trained.status, 0) << trained.err;
  const nlohmann::json end = json_lines(trained.out).back();
  EXPECT_GT(end["test_accuracy"], 0.9);
  const Outcome evaluated = ask("evaluate");
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const nlohmann::json scores = json_lines(evaluated.out).front();
  EXPECT_EQ(scores["test_accuracy"], end["test_accuracy"]);
  EXPECT_EQ(scores["observations"], 2 * kReviews);

  const Outcome predicted = ask("predict");
  ASSERT_EQ(predicted.status, 0) << predicted.err;
  const std::vector<nlohmann::json> lines = json_lines(predicted.out);
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(2 * kReviews));
  int right = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["index"], i);
    right += lines[i]["class"] == lines[i]["label"];
    EXPECT_EQ(lines[i]["label_name"], lines[i]["label"] == 1 ? "pos" : "neg");
    EXPECT_EQ(lines[i]["class_name"], lines[i]["class"] == 1 ? "pos" : "neg");
  }
  EXPECT_NEAR(right / (2.0 * kReviews), end["test_accuracy"].get<double>(), 1e-9);

  const Outcome few = ask("predict", {"--count", "7"});
  ASSERT_EQ(few.status, 0) << few.err;
  const std::vector<nlohmann::json> first = json_lines(few.out);
  ASSERT_EQ(first.size(), 7u);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i], lines[i]);
}

TEST_P(TextRun, GoesOnBitForBit) {
  ASSERT_EQ(fit("whole").status, 0);
  ASSERT_EQ(fit("run", {"--steps", "7"}).status, 0);
  const Outcome resumed =
      run_tool("engine-train", {"fit", "--resume", folder_ / "run", "--quiet"}, folder_);
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  const auto last = [&](const std::string& run) {
    return file_bytes(folder_ / run + "/checkpoints/last.safetensors");
  };
  EXPECT_EQ(last("run"), last("whole"));
}

INSTANTIATE_TEST_SUITE_P(Buckets, TextRun, testing::Values("0", "3"),
                         [](const auto& run) { return "At" + run.param; });

TEST(TextRunErrors, BucketsWantTextAndAFewOfThem) {
  const WorkFolder folder;
  expect_error(run_tool("engine-train",
                        {"fit", "mnist-mlp", "--data", "synthetic:600", "--buckets", "4", "--out",
                         folder / "run"},
                        folder),
               2, "holds no text, expected one text an observation");
  expect_error(run_tool("engine-train",
                        {"fit", "imdb-gru", "--data", "synthetic:600", "--buckets", "99", "--out",
                         folder / "run"},
                        folder),
               2, "--buckets 99: expected a number from 0 (off) to 16");
}

}  // namespace
}  // namespace engine
