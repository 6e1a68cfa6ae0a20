// Runs that end early, in order or not, and go on bit for bit.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/tools/tool.h"

namespace engine {
namespace {

std::string checkpoint(const WorkFolder& folder, const std::string& run) {
  return file_bytes(folder / run + "/checkpoints/last.safetensors");
}

void expect_success(const Outcome& outcome) {
  ASSERT_EQ(outcome.status, 0) << outcome.err;
}

// Three epochs of 20 steps without a break.
std::string uninterrupted(const WorkFolder& folder) {
  expect_success(
      run_tool("engine-train", fit({"--epochs", "3", "--out", folder / "whole"}), folder));
  return checkpoint(folder, "whole");
}

TEST(Resume, AfterWholeEpochs) {
  const WorkFolder folder;
  expect_success(run_tool("engine-train", fit({"--epochs", "2", "--out", folder / "run"}), folder));
  expect_success(
      run_tool("engine-train", {"fit", "--resume", folder / "run", "--epochs", "3"}, folder));
  EXPECT_EQ(checkpoint(folder, "run"), uninterrupted(folder));
  EXPECT_EQ(file_bytes(folder / "run/metrics.csv").substr(0, 20),
            file_bytes(folder / "whole/metrics.csv").substr(0, 20));
}

TEST(Resume, InTheMiddleOfAnEpochWithCheckpointsInside) {
  const WorkFolder folder;
  expect_success(run_tool(
      "engine-train",
      fit({"--epochs", "3", "--steps", "33", "--checkpoint-every", "7", "--out", folder / "run"}),
      folder));
  expect_success(run_tool("engine-train", {"fit", "--resume", folder / "run"}, folder));
  EXPECT_EQ(checkpoint(folder, "run"), uninterrupted(folder));
}

TEST(Resume, UnderRecordedAlgorithms) {
  const WorkFolder folder;
  const Words tuned = {"fit", "mnist-mlp", "--data", "synthetic:1000", "--device",
                       "cpu", "--threads", "1",      "--batch",        "100"};
  const auto with = [&](const std::string& run, const Words& words) {
    Words command = tuned;
    command.insert(command.end(), {"--algorithm-cache", folder / "cache", "--out", folder / run});
    command.insert(command.end(), words.begin(), words.end());
    return run_tool("engine-train", command, folder);
  };
  expect_success(with("whole", {"--epochs", "2"}));
  expect_success(with("run", {"--epochs", "2", "--steps", "13"}));
  // The run's own record decides, not the cache.
  std::filesystem::remove(folder / "cache");
  expect_success(run_tool("engine-train", {"fit", "--resume", folder / "run"}, folder));
  EXPECT_EQ(checkpoint(folder, "run"), checkpoint(folder, "whole"));
}

TEST(Resume, OptionsThatWouldChangeTheResultAreRefused) {
  const WorkFolder folder;
  expect_success(run_tool("engine-train", fit({"--steps", "3", "--out", folder / "run"}), folder));
  const Words resume = {"fit", "--resume", folder / "run", "--epochs", "1"};
  for (const auto& [option, value] :
       {std::pair("--batch", "50"), std::pair("--seed", "3"), std::pair("--lr", "0.5"),
        std::pair("--optimizer", "sgd"), std::pair("--precision", "tf32")}) {
    Words command = resume;
    command.insert(command.end(), {option, value});
    expect_error(run_tool("engine-train", command, folder), 2, option);
  }
}

TEST(Resume, OtherDataAndFewerEpochsAreSaidSo) {
  const WorkFolder folder;
  expect_success(run_tool("engine-train", fit({"--epochs", "2", "--out", folder / "run"}), folder));
  const Words resume = {"fit", "--resume", folder / "run"};
  // Not that there is no kernel for batches of another size.
  Words command = resume;
  command.insert(command.end(), {"--data", "synthetic:77", "--autotune", "find"});
  expect_error(run_tool("engine-train", command, folder), 3,
               "77 training observations, the run was started with");
  command = resume;
  command.insert(command.end(), {"--epochs", "1"});
  const Outcome done = run_tool("engine-train", command, folder);
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(done.out.find(": all 1 epochs are done"), std::string::npos) << done.out;
}

// Sends `signal` in mid-training and returns what became of the process.
Outcome stop_in_training(const WorkFolder& folder, int signal) {
  Process process(tool("engine-train", fit({"--epochs", "2000", "--json", "--checkpoint-every", "1",
                                            "--out", folder / "run"})),
                  folder.path());
  EXPECT_TRUE(process.wait_for_output("\"epoch\":1,"));
  process.signal(signal);
  return process.wait();
}

// Goes on to the end of an epoch that lies ahead, and compares with a run that was never stopped.
void expect_to_go_on(const WorkFolder& folder) {
  const auto rows = json_lines(file_bytes(folder / "run/metrics.jsonl"));
  ASSERT_FALSE(rows.empty());
  const std::string epochs = std::to_string(rows.back()["epoch"].get<int>() + 2);
  expect_success(
      run_tool("engine-train", {"fit", "--resume", folder / "run", "--epochs", epochs}, folder));
  expect_success(
      run_tool("engine-train", fit({"--epochs", epochs, "--out", folder / "whole"}), folder));
  EXPECT_EQ(checkpoint(folder, "run"), checkpoint(folder, "whole"));
}

TEST(Interrupt, SavesAndExitsWith130) {
  for (int signal : {SIGINT, SIGTERM}) {
    const WorkFolder folder;
    const Outcome outcome = stop_in_training(folder, signal);
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_NE(outcome.err.find("fit --resume " + folder / "run"), std::string::npos) << outcome.err;
    const nlohmann::json end = json_lines(outcome.out).back();
    EXPECT_EQ(end["event"], "end");
    EXPECT_EQ(end["interrupted"], true);
    expect_to_go_on(folder);
  }
}

TEST(Interrupt, KilledInMidRun) {
  const WorkFolder folder;
  EXPECT_EQ(stop_in_training(folder, SIGKILL).status, 128 + SIGKILL);
  expect_to_go_on(folder);
}

}  // namespace
}  // namespace engine
