// A run whose n-th call on a file of its folder fails, is done half, or is its last: afterwards it
// can be gone on with, and ends in the very bytes of a run that nothing happened to.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/faults/faults.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFaults = 80;
constexpr const char* kModel = R"(name = "tiny"
input = [8]
classes = 3
batch = 16
[optimizer]
name = "rmsprop"
learning_rate = 0.01
[[layer]]
type = "dense"
units = 4
activation = "relu"
[[layer]]
type = "dense"
units = 3
)";

// The columns that hold no time.
std::string reproducible(const std::string& csv) {
  std::istringstream text(csv);
  std::string out;
  for (std::string line; std::getline(text, line); out += '\n') {
    std::istringstream fields(line);
    std::string field;
    for (int column = 0; std::getline(fields, field, ','); ++column)
      if (column != 7 && column != 8) out += field + ',';
  }
  return out;
}

class TrainingFaults : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_ / "tiny.toml") << kModel;
    // Tuned once, so that all runs choose the same kernels.
    ASSERT_EQ(run_tool("engine-train", fit("tuning"), folder_).status, 0);
    calls_ = list_calls(tool("engine-train", fit("whole")), folder_ / "whole", folder_);
    ASSERT_GT(calls_.size(), 100u);
    const auto first_checkpoint = std::find_if(calls_.begin(), calls_.end(), [](const auto& call) {
      return call.name == "rename" && call.path.ends_with("/last.safetensors");
    });
    checkpoint_from_ = static_cast<std::size_t>(first_checkpoint - calls_.begin()) + 1;
  }

  Words fit(const std::string& run) const {
    return {"fit",
            folder_ / "tiny.toml",
            "--data",
            "synthetic:64",
            "--epochs",
            "2",
            "--quiet",
            "--checkpoint-every",
            "2",
            "--device",
            "cpu",
            "--algorithm-cache",
            folder_ / "cache",
            "--threads",
            "1",
            "--out",
            folder_ / run};
  }
  std::string last(const std::string& run) const {
    return file_bytes(folder_ / run + "/checkpoints/last.safetensors");
  }
  Outcome resume(const std::string& run) const {
    return run_tool("engine-train", {"fit", "--resume", folder_ / run, "--quiet"}, folder_);
  }

  void expect_like_whole(const std::string& run) const {
    EXPECT_EQ(last(run), last("whole"));
    EXPECT_EQ(file_bytes(folder_ / run + "/checkpoints/best.safetensors"),
              file_bytes(folder_ / "whole/checkpoints/best.safetensors"));
    EXPECT_EQ(reproducible(file_bytes(folder_ / run + "/metrics.csv")),
              reproducible(file_bytes(folder_ / "whole/metrics.csv")));
    EXPECT_EQ(json_lines(file_bytes(folder_ / run + "/metrics.jsonl")).size(), 2u);
  }

  // The run was cut off by `fault`.
  void expect_to_go_on(const std::string& run, const Fault& fault) const {
    const bool has_checkpoint = fs::exists(folder_ / run + "/checkpoints/last.safetensors") ||
                                fs::exists(folder_ / run + "/checkpoints/previous.safetensors");
    EXPECT_TRUE(has_checkpoint || fault.call <= checkpoint_from_);
    const Outcome resumed = resume(run);
    // Without a checkpoint nothing is lost: the run may say so.
    if (!has_checkpoint && resumed.status != 0) {
      EXPECT_EQ(occurrences(resumed.err, "error: "), 1u) << resumed.err;
      return;
    }
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    expect_like_whole(run);
    EXPECT_EQ(temporaries(folder_ / run), std::vector<std::string>());
  }

  const WorkFolder folder_;
  std::vector<FileCall> calls_;
  std::size_t checkpoint_from_ = 0;
};

TEST_F(TrainingFaults, AreSurvivedWhereverTheyStrike) {
  for (const Fault& fault : faults_in(calls_, kFaults)) {
    SCOPED_TRACE(fault.what);
    const Words command = tool("engine-train", fit("run"));
    const Outcome outcome =
        Process(with_fault(command, folder_ / "run", fault), folder_.path()).wait();
    expect_clean_end(outcome, fault);
    if (outcome.status == 0)
      expect_like_whole("run");
    else if (!fs::exists(folder_ / "run/config.json"))
      EXPECT_EQ(run_tool("engine-train", fit("run"), folder_).status, 0);
    else
      expect_to_go_on("run", fault);
    fs::remove_all(folder_ / "run");
    if (HasFailure()) break;  // the others would say the same
  }
}

}  // namespace
}  // namespace engine
