// engine-profile by its contract.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

const Words kModel = {"mnist-mlp", "--batch", "32", "--device", "cpu", "--threads", "1"};

Outcome profile(const std::string& command, const Words& words, const WorkFolder& folder) {
  Words all = {command};
  all.insert(all.end(), kModel.begin(), kModel.end());
  all.insert(all.end(), words.begin(), words.end());
  return run_tool("engine-profile", all, folder);
}

TEST(Profile, Doctor) {
  const WorkFolder folder;
  const Outcome outcome = run_tool("engine-profile", {"doctor", "--json"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json facts = json_lines(outcome.out).at(0);
  EXPECT_EQ(facts["devices"][0]["name"], "cpu");
  EXPECT_TRUE(facts["devices"][0]["why_not"].is_null());
  EXPECT_EQ(facts["cuda"].get<bool>(), facts["cuda_why_not"].is_null());
  EXPECT_EQ(facts["auto"], facts["cuda"] ? "cuda:0" : "cpu");
}

TEST(Profile, AlgorithmsHaveARowACandidateAndOneChoice) {
  const WorkFolder folder;
  const Outcome outcome = profile("algorithms", {"--format", "json"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::map<std::pair<std::string, std::string>, int> chosen;
  for (const json& row : json_lines(outcome.out)) {
    for (const char* name :
         {"layer", "direction", "problem", "candidate", "config", "chosen", "microseconds",
          "spread", "workspace", "deterministic", "error", "refusal"})
      ASSERT_TRUE(row.contains(name)) << name;
    chosen[{row["layer"], row["direction"]}] += row["chosen"].get<bool>() ? 1 : 0;
    EXPECT_TRUE(!row["chosen"].get<bool>() || row["refusal"].is_null()) << row;
  }
  // Nobody needs the gradient of the first layer's input.
  EXPECT_EQ(chosen.size(), 8u);
  EXPECT_FALSE(chosen.contains({"dense_1", "backward_data"}));
  for (const auto& [where, count] : chosen) EXPECT_EQ(count, 1) << where.first << where.second;
}

TEST(Profile, CsvHasTheSameColumnsInEveryLine) {
  const WorkFolder folder;
  const Outcome outcome = profile("algorithms", {"--format", "csv", "--autotune", "off"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("layer,direction,problem,candidate,config,chosen,microseconds,", 0),
            0u);
}

TEST(Profile, StepsAddUp) {
  const WorkFolder folder;
  const Outcome outcome = profile("steps", {"--json", "--autotune", "off"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  double share = 0, flops = 0;
  for (const json& row : json_lines(outcome.out)) {
    share += row["share"].get<double>();
    flops += row["flops"].get<double>();
    EXPECT_GT(row["microseconds"], 0);
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_NEAR(flops / 32, 3.21e6, 5e3);
}

TEST(Profile, TablesFitATerminal) {
  const WorkFolder folder;
  for (const char* command : {"algorithms", "steps"}) {
    const Outcome outcome = profile(command, {"--autotune", "off"}, folder);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("dense_1"), std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
}

}  // namespace
}  // namespace engine
