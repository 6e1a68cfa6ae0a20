// fit, evaluate and predict by their contract: events, run folder, exit status.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

void expect_numbers(const json& event, const std::vector<const char*>& names) {
  for (const char* name : names) {
    ASSERT_TRUE(event.contains(name)) << name << " in " << event;
    EXPECT_TRUE(event[name].is_number()) << name << " in " << event;
  }
}

TEST(Fit, PrintsOneEventALineAndNothingElse) {
  const WorkFolder folder;
  const Outcome outcome =
      run_tool("engine-train", fit({"--epochs", "2", "--json", "--out", folder / "run"}), folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<json> events = json_lines(outcome.out);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0]["event"], "start");
  EXPECT_EQ(events[0]["parameters"], 669706);
  EXPECT_EQ(events[0]["steps_per_epoch"], 20);
  for (int epoch : {1, 2}) {
    const json& event = events[static_cast<std::size_t>(epoch)];
    EXPECT_EQ(event["event"], "epoch");
    EXPECT_EQ(event["epoch"], epoch);
    expect_numbers(event,
                   {"loss", "accuracy", "validation_accuracy", "seconds", "samples_per_second"});
  }
  EXPECT_EQ(events[3]["event"], "end");
  expect_numbers(events[3], {"test_loss", "test_accuracy", "train_seconds", "tune_seconds",
                             "samples_per_second", "step_milliseconds_median", "peak_bytes"});
  EXPECT_EQ(events[3]["run"], folder / "run");
  EXPECT_EQ(events[3]["interrupted"], false);
  EXPECT_GT(events[3]["test_accuracy"], 0.5);
}

TEST(Fit, EvaluateAndPredictAgreeWithTheEndOfTraining) {
  const WorkFolder folder;
  const Outcome trained =
      run_tool("engine-train", fit({"--epochs", "2", "--json", "--out", folder / "run"}), folder);
  ASSERT_EQ(trained.status, 0) << trained.err;
  const json end = json_lines(trained.out).back();

  const Outcome evaluated = run_tool(
      "engine-train", {"evaluate", folder / "run", "--data", "synthetic:2000", "--json"}, folder);
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const json result = json_lines(evaluated.out).at(0);
  EXPECT_EQ(result["test_loss"], end["test_loss"]);
  EXPECT_EQ(result["test_accuracy"], end["test_accuracy"]);

  const Outcome predicted = run_tool(
      "engine-train", {"predict", folder / "run", "--data", "synthetic:2000", "--json"}, folder);
  ASSERT_EQ(predicted.status, 0) << predicted.err;
  const std::vector<json> rows = json_lines(predicted.out);
  ASSERT_EQ(rows.size(), result["observations"].get<std::size_t>());
  double right = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["index"], i);
    EXPECT_GE(rows[i]["probability"], 0.1 - 1e-9);
    EXPECT_LE(rows[i]["probability"], 1.0);
    right += rows[i]["class"] == rows[i]["label"] ? 1 : 0;
  }
  EXPECT_NEAR(right / static_cast<double>(rows.size()), end["test_accuracy"].get<double>(), 1e-9);
}

TEST(Fit, StreamsToTheSameBits) {
  const WorkFolder folder;
  std::map<std::string, std::vector<std::string>> outputs;
  for (const char* pipeline : {"resident", "stream"}) {
    const std::string run = folder / pipeline;
    const Words how{"--data-pipeline", pipeline, "--loader-threads", "2", "--json"};
    Words words = fit({"--epochs", "1", "--out", run});
    words.insert(words.end(), how.begin(), how.end());
    const Outcome trained = run_tool("engine-train", words, folder);
    ASSERT_EQ(trained.status, 0) << trained.err;
    expect_numbers(json_lines(trained.out).back(), {"data_wait_share"});
    outputs[pipeline].push_back(file_bytes(run + "/checkpoints/last.safetensors"));
    for (const char* command : {"evaluate", "predict"}) {
      words = {command, run, "--data", "synthetic:2000"};
      words.insert(words.end(), how.begin(), how.end());
      const Outcome outcome = run_tool("engine-train", words, folder);
      ASSERT_EQ(outcome.status, 0) << outcome.err;
      for (json& line : json_lines(outcome.out)) {
        line.erase("run");
        line.erase("seconds");
        outputs[pipeline].push_back(line.dump());
      }
    }
  }
  EXPECT_GT(outputs["stream"].size(), 300u);
  EXPECT_TRUE(outputs["stream"] == outputs["resident"]);
}

TEST(Fit, PredictStopsAtTheCount) {
  const WorkFolder folder;
  ASSERT_EQ(run_tool("engine-train", fit({"--steps", "3", "--out", folder / "run"}), folder).status,
            0);
  const Outcome predicted =
      run_tool("engine-train",
               {"predict", folder / "run", "--data", "synthetic:2000", "--count", "7"}, folder);
  EXPECT_EQ(predicted.status, 0) << predicted.err;
  EXPECT_EQ(std::count(predicted.out.begin(), predicted.out.end(), '\n'), 7);
}

TEST(Fit, QuietPrintsTheResultAlone) {
  const WorkFolder folder;
  const Outcome outcome =
      run_tool("engine-train", fit({"--steps", "3", "--quiet", "--out", folder / "run"}), folder);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out.rfind("test accuracy", 0), 0u) << outcome.out;
  EXPECT_NE(outcome.out.find(folder / "run"), std::string::npos);
}

TEST(Fit, SameSeedSameBitsOtherSeedOtherBits) {
  const WorkFolder folder;
  for (const char* run : {"a", "b"})
    ASSERT_EQ(
        run_tool("engine-train", fit({"--steps", "25", "--out", folder / run}), folder).status, 0);
  ASSERT_EQ(
      run_tool("engine-train", fit({"--steps", "25", "--seed", "1", "--out", folder / "c"}), folder)
          .status,
      0);
  const auto checkpoint = [&](const char* run) {
    return file_bytes(folder / run + "/checkpoints/last.safetensors");
  };
  EXPECT_EQ(checkpoint("a"), checkpoint("b"));
  EXPECT_NE(checkpoint("a"), checkpoint("c"));
}

TEST(Fit, RunFolderHoldsTheRun) {
  const WorkFolder folder;
  ASSERT_EQ(run_tool("engine-train", fit({"--epochs", "1", "--out", folder / "a b\n/run"}), folder)
                .status,
            0);
  for (const char* file :
       {"config.json", "metrics.csv", "metrics.jsonl", "log.txt", "checkpoints/last.safetensors"})
    EXPECT_TRUE(std::filesystem::exists(folder / "a b\n/run/" + file)) << file;
}

TEST(Fit, LogTellsTheWholeRun) {
  const WorkFolder folder;
  ASSERT_EQ(
      run_tool("engine-train", fit({"--epochs", "2", "--quiet", "--out", folder / "run"}), folder)
          .status,
      0);
  const std::string once = file_bytes(folder / "run/log.txt");
  EXPECT_EQ(occurrences(once, "info: start: step 0 of "), 1u) << once;
  EXPECT_EQ(occurrences(once, "info: epoch: {\"epoch\":"), 2u) << once;
  EXPECT_EQ(occurrences(once, "info: end at step "), 1u) << once;
  ASSERT_EQ(
      run_tool("engine-train", {"fit", "--resume", folder / "run", "--epochs", "3"}, folder).status,
      0);
  const std::string twice = file_bytes(folder / "run/log.txt");
  EXPECT_EQ(twice.rfind(once, 0), 0u);
  EXPECT_EQ(occurrences(twice, "info: epoch: {\"epoch\":3,"), 1u) << twice;
}

TEST(Fit, ClosedStandardOutputIsAnErrorAndTheRunIsSaved) {
  const WorkFolder folder;
  Process process(tool("engine-train", fit({"--epochs", "3", "--json", "--out", folder / "run"})),
                  folder.path(), Stdout::closed);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("standard output: cannot be written"), std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("--resume"), std::string::npos) << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/checkpoints/last.safetensors"));
}

TEST(Fit, LossThatIsNotFiniteStopsTheRun) {
  const WorkFolder folder;
  const Outcome outcome = run_tool(
      "engine-train",
      fit({"--optimizer", "sgd", "--lr", "9e5", "--quiet", "--out", folder / "run"}), folder);
  expect_error(outcome, 1, "are not finite");
  EXPECT_EQ(occurrences(file_bytes(folder / "run/log.txt"), "info: failed: step "), 1u);
}

}  // namespace
}  // namespace engine
