// What the tools say to command lines, runs and data that make no sense: one line and a status.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/tools/tool.h"

namespace engine {
namespace {

class Usage : public testing::Test {
 protected:
  Outcome train(const Words& words) { return run_tool("engine-train", words, folder_); }
  Outcome profile(const Words& words) { return run_tool("engine-profile", words, folder_); }

  WorkFolder folder_;
};

TEST_F(Usage, CommandLinesThatAreNotUnderstood) {
  expect_error(train({}), 2, "a command is missing");
  expect_error(train({"dance"}), 2, "'dance'; expected one of: list");
  expect_error(train({"fit", "mnist-mlp"}), 2, "--data is missing");
  expect_error(train({"fit", "--data", "synthetic"}), 2, "MODEL is missing");
  expect_error(train({"fit", "no-such", "--data", "synthetic"}), 2, "mnist-mlp");
  expect_error(train({"summary", "no-such"}), 2, "no-such");
  expect_error(train({"evaluate"}), 2, "RUN");
  expect_error(profile({}), 2, "a command is missing");
  expect_error(profile({"algorithms", "no-such"}), 2, "no-such");
  expect_error(profile({"steps", "mnist-mlp", "--format", "xml"}), 2, "table, json or csv");
}

TEST_F(Usage, OptionsThatAreUnknownOrOutOfRange) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--bogus"}, "--bogus"},
      {{"--epochs", "0"}, "--epochs 0"},
      {{"--epochs", "many"}, "--epochs"},
      {{"--epochs", "99999999999999999999"}, "--epochs"},
      {{"--epochs", "9000000000000000000"}, "--epochs"},
      {{"--steps", "1.5"}, "--steps 1.5"},
      {{"--lr", "0.1x"}, "--lr 0.1x"},
      {{"--batch", "-4"}, "--batch -4"},
      {{"--steps", "-1"}, "--steps -1"},
      {{"--seed", "-1"}, "--seed -1"},
      {{"--precision", "fp8"}, "--precision fp8"},
      {{"--schedule", "sometimes"}, "sometimes"},
      {{"--patience", "-2"}, "--patience -2"},
      {{"--validation-split", "1.5"}, "--validation-split 1.5"},
      {{"--clip-norm", "-1"}, "clip"},
      {{"--accumulate", "0"}, "accumulate"},
      {{"--device", "tpu"}, "tpu"},
      {{"--device", "cuda:x"}, "cuda:x"},
      {{"--autotune", "maybe"}, "maybe"},
      {{"--no-pass", "no-such-pass"}, "no-such-pass"},
      {{"--optimizer", "adamant"}, "adamant"},
      {{"--optimizer", "adam", "--momentum", "0.9"}, "--momentum: adam has none"},
      {{"--lr", "nan"}, "nan"},
      {{"--threads", "-1"}, "--threads -1"},
      {{"--memory-limit", "0"}, "--memory-limit 0"},
      {{"--quiet", "--quiet=maybe"}, "quiet"},
  };
  for (const auto& [words, part] : cases) {
    // Without fit(), whose own options would be given twice.
    Words command = {"fit", "mnist-mlp", "--data", "synthetic:200", "--out", folder_ / "run"};
    command.insert(command.end(), words.begin(), words.end());
    expect_error(train(command), 2, part);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
  }
}

TEST_F(Usage, BadDataIsStatus3) {
  expect_error(train({"fit", "mnist-mlp", "--data", folder_ / "absent"}), 3, "absent");
  std::filesystem::create_directory(folder_ / "new\nline");
  expect_error(train({"fit", "mnist-mlp", "--data", folder_ / "new\nline"}), 3, "new\\nline");
  expect_error(train({"evaluate", folder_ / "absent", "--data", "synthetic"}), 3, "absent");
  expect_error(train({"predict", folder_ / "absent", "--data", "synthetic"}), 3, "absent");
  expect_error(train({"fit", "--resume", folder_ / "absent"}), 3, "absent");
}

TEST_F(Usage, DamagedCheckpointIsStatus3) {
  ASSERT_EQ(train(fit({"--steps", "2", "--out", folder_ / "run"})).status, 0);
  for (const auto& file : std::filesystem::directory_iterator(folder_ / "run/checkpoints"))
    std::ofstream(file.path(), std::ios::trunc) << "not a checkpoint";
  expect_error(train({"evaluate", folder_ / "run", "--data", "synthetic:2000"}), 3,
               "last.safetensors");
  expect_error(train({"fit", "--resume", folder_ / "run", "--epochs", "1", "--quiet"}), 3,
               "last.safetensors");
}

TEST_F(Usage, MoreStepsAnUpdateThanThereAreIsAnError) {
  // 20 steps an epoch.
  expect_error(train(fit({"--epochs", "2", "--accumulate", "41", "--out", folder_ / "run"})), 2,
               "--accumulate 41: training has 40 steps (2 epochs of 20)");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
  // Stopped by --steps it can go on, so it is only said.
  const Outcome limited = train(fit({"--epochs", "2", "--steps", "3", "--accumulate", "40",
                                     "--quiet", "--out", folder_ / "run"}));
  EXPECT_EQ(limited.status, 0);
  EXPECT_NE(limited.err.find("--accumulate 40: the first update comes after --steps 3"),
            std::string::npos)
      << limited.err;
}

TEST_F(Usage, SummariesFitALineOfATerminal) {
  for (const char* model : {"mnist-mlp", "cifar10-vgg", "resnet50"}) {
    const Outcome outcome = train({"summary", model, "--device", "cpu"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    std::istringstream text(outcome.out);
    for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 100u) << line;
    const bool residual = outcome.out.find("residual of") != std::string::npos;
    EXPECT_EQ(outcome.out.find("like residual_2") != std::string::npos, residual);
  }
}

TEST_F(Usage, TasksOfText) {
  const std::string model = folder_ / "text.toml", data = folder_ / "babi";
  std::filesystem::create_directory(data);
  std::ofstream(model) << "input = [3]\nvocabulary = 9\nsegments = [2, 1]\nclasses = 3\n"
                       << "[[layer]]\ntype = 'embedding'\ninput_dim = 9\noutput_dim = 1\n"
                       << "[[layer]]\ntype = 'flatten'\n";
  std::ofstream(data + "/qa1_one_train.txt") << "1 A.\n2 B?\tC\t1\n";
  std::ofstream(data + "/qa1_one_test.txt") << "1 A.\n2 B?\n";
  const auto fit = [&](const std::string& what, Words words) {
    words.insert(words.begin(), {"fit", what, "--data", data, "--out", folder_ / "run"});
    return train(words);
  };
  expect_error(fit(model, {}), 2, "--task is missing");
  expect_error(fit(model, {"--task", "qa2"}), 2, "--task qa2");
  expect_error(fit(model, {"--task", "qa1"}), 3, "qa1_one_test.txt: has no question");
  expect_error(fit("mnist-mlp", {"--task", "qa1"}), 3, "holds text");
  std::ofstream(data + "/qa1_one_test.txt") << "1 A.\n3 B?\tC\t1\n";
  expect_error(fit(model, {"--task", "qa1"}), 3, "qa1_one_test.txt:2: ");
  std::ofstream(data + "/qa1_one_test.txt") << "1 A.\n2 B?\tC\t1\n";
  expect_error(fit(model, {"--task", "qa1"}), 3, "expects vocabulary 9, segments [2, 1]");
}

TEST_F(Usage, RunFolders) {
  ASSERT_EQ(train(fit({"--steps", "1", "--out", folder_ / "run"})).status, 0);
  expect_error(train(fit({"--steps", "1", "--out", folder_ / "run"})), 2, "already holds a run");
  expect_error(train(fit({"--out", folder_ / "other", "--resume", folder_ / "run"})), 2, "--out");
  std::ofstream(folder_ / "file") << "text";
  expect_error(train(fit({"--steps", "1", "--quiet", "--out", folder_ / "file/run"})), 1, "file");
}

TEST_F(Usage, MemoryLimitIsFoundOutBeforeAnythingIsAllocated) {
  expect_error(train(fit({"--memory-limit", "1000000", "--quiet", "--out", folder_ / "run"})), 1,
               "bytes");
}

TEST_F(Usage, HelpAndVersionAreResults) {
  for (const Words& words : {Words{"--help"}, Words{"fit", "--help"}, Words{"--version"}}) {
    const Outcome outcome = train(words);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_FALSE(outcome.out.empty());
    EXPECT_EQ(outcome.err, "");
  }
}

// The models as published: parameters, and operations of an observation in MFLOP.
struct Published {
  const char* name;
  std::int64_t parameters;
  double forward, training;
  std::size_t layers;
};
constexpr std::array<Published, 8> kPublished{{{"babi-rnn", 45836, 22.3, 66.9, 4},
                                               {"cifar10-cnn", 1250858, 41.5, 122.7, 18},
                                               {"cifar10-vgg", 3441592, 124.5, 370.8, 17},
                                               {"imdb-gru", 3818302, 20.3, 60.8, 3},
                                               {"imdb-lstm", 2691713, 21.0, 62.9, 3},
                                               {"mnist-cnn", 1199882, 24.0, 71.6, 11},
                                               {"mnist-hrnn", 199434, 110.9, 331.9, 3},
                                               {"mnist-mlp", 669706, 1.34, 3.21, 7}}};

TEST_F(Usage, ListAndSummaryAgreeWithWhatWasPublished) {
  const Outcome list = train({"list", "--json"});
  ASSERT_EQ(list.status, 0);
  const auto models = json_lines(list.out);
  std::vector<std::string> names;
  for (const nlohmann::json& model : models) names.push_back(model["name"]);
  // The sizes of the residual networks are held to in tests/models.
  EXPECT_EQ(names, (std::vector<std::string>{"babi-rnn", "cifar10-cnn", "cifar10-vgg", "imdb-gru",
                                             "imdb-lstm", "mnist-cnn", "mnist-hrnn", "mnist-mlp",
                                             "resnet18", "resnet50"}));
  for (const Published& published : kPublished) {
    const Outcome summary = train({"summary", published.name, "--json", "--device", "cpu"});
    ASSERT_EQ(summary.status, 0) << summary.err;
    const nlohmann::json facts = json_lines(summary.out).at(0);
    EXPECT_EQ(facts["parameters"], published.parameters);
    EXPECT_NEAR(facts["forward_flops"].get<double>() / (published.forward * 1e6), 1, 0.005);
    EXPECT_NEAR(facts["training_flops"].get<double>() / (published.training * 1e6), 1, 0.005);
    EXPECT_EQ(facts["layers"].size(), published.layers) << published.name;
  }
}

}  // namespace
}  // namespace engine
