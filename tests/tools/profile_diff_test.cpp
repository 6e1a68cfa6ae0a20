// engine-profile diff, on reports made for it.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

json step(const std::string& name, const std::string& candidate, double microseconds,
          double spread) {
  return {{"step", name},
          {"op", "dense"},
          {"candidate", candidate},
          {"config", ""},
          {"microseconds", microseconds},
          {"spread", spread}};
}

json algorithm(const std::string& layer, const std::string& candidate, bool chosen, double time) {
  return {
      {"layer", layer},         {"direction", "forward"}, {"problem", "v1 dense : f32[1] : strict"},
      {"candidate", candidate}, {"config", ""},           {"chosen", chosen},
      {"microseconds", time},   {"spread", 1.0}};
}

class ProfileDiff : public testing::Test {
 protected:
  std::string save(const std::string& name, const std::vector<json>& rows) {
    std::ofstream file(folder_ / name);
    for (const json& row : rows) file << row << '\n';
    return folder_ / name;
  }
  Outcome diff(const std::string& a, const std::string& b, const Words& words = {}) {
    Words command = {"diff", a, b};
    command.insert(command.end(), words.begin(), words.end());
    return run_tool("engine-profile", command, folder_);
  }

  WorkFolder folder_;
};

TEST_F(ProfileDiff, VerdictsByTheSpread) {
  const std::string a = save("a", {step("dense_1", "x", 100, 5), step("dense_2", "x", 100, 5),
                                   step("dense_3", "x", 100, 5), step("gone", "x", 1, 0)});
  const std::string b = save("b", {step("dense_1", "y", 90, 5), step("dense_2", "x", 104, 5),
                                   step("dense_3", "x", 106, 5), step("come", "x", 1, 0)});
  const Outcome outcome = diff(a, b, {"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::map<std::string, json> rows;
  for (const json& row : json_lines(outcome.out)) rows[row["key"]] = row;
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows["dense_1 (dense)"]["verdict"], "faster");
  EXPECT_EQ(rows["dense_1 (dense)"]["choice_changed"], true);
  EXPECT_EQ(rows["dense_1 (dense)"]["change"], -10);
  EXPECT_EQ(rows["dense_2 (dense)"]["verdict"], "noise");
  EXPECT_EQ(rows["dense_2 (dense)"]["choice_changed"], false);
  EXPECT_EQ(rows["dense_3 (dense)"]["verdict"], "slower");
  EXPECT_EQ(rows["gone (dense)"]["verdict"], "only in A");
  EXPECT_EQ(rows["come (dense)"]["verdict"], "only in B");
  EXPECT_NE(diff(a, b).out.find("3 matched, 1 with another choice, 1 faster, 1 slower, 1 noise"),
            std::string::npos)
      << diff(a, b).out;
}

TEST_F(ProfileDiff, AlgorithmsAreComparedByTheirChoice) {
  const std::string a =
      save("a", {algorithm("dense_1", "x", true, 10), algorithm("dense_1", "y", false, 20)});
  const std::string b =
      save("b", {algorithm("dense_1", "x", false, 30), algorithm("dense_1", "y", true, 20)});
  const std::vector<json> rows = json_lines(diff(a, b, {"--json"}).out);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["choice_a"], "x");
  EXPECT_EQ(rows[0]["choice_b"], "y");
  EXPECT_EQ(rows[0]["verdict"], "slower");
}

TEST_F(ProfileDiff, APassThatGainsMoreIsFaster) {
  const auto pass = [](int count, const json& gain) {
    return json{{"pass", "in-place"},
                {"enabled", true},
                {"count", count},
                {"gain_microseconds", gain},
                {"gain_spread", gain.is_null() ? gain : json(1)}};
  };
  const auto verdict = [&](const json& a, const json& b) {
    return json_lines(diff(save("a", {a}), save("b", {b}), {"--json"}).out).at(0);
  };
  EXPECT_EQ(verdict(pass(3, 10), pass(3, 15))["verdict"], "faster");
  EXPECT_EQ(verdict(pass(3, 10), pass(3, 5))["verdict"], "slower");
  const json untimed = verdict(pass(3, nullptr), pass(4, nullptr));
  EXPECT_EQ(untimed["verdict"], "not timed");
  EXPECT_EQ(untimed["choice_changed"], true);
}

TEST_F(ProfileDiff, SavedReportsAreUnderstood) {
  for (const char* command : {"algorithms", "steps", "passes"}) {
    const Outcome report = profile(command, {"--json", "--autotune", "off"}, folder_);
    ASSERT_EQ(report.status, 0) << report.err;
    std::ofstream(folder_ / command) << report.out;
    const Outcome same = diff(folder_ / command, folder_ / command);
    EXPECT_EQ(same.status, 0) << same.err;
    EXPECT_NE(same.out.find(" matched, 0 with another choice"), std::string::npos) << same.out;
    EXPECT_EQ(same.out.find("only in"), std::string::npos) << same.out;
  }
}

TEST_F(ProfileDiff, WrongInputIsStatus3) {
  const std::string good = save("good", {step("dense_1", "x", 100, 5)});
  const std::string other = save("other", {algorithm("dense_1", "x", true, 10)});
  expect_error(diff(folder_ / "absent", good), 3, "absent");
  expect_error(diff(good, other), 3, "expected two of a kind");
  expect_error(diff(good, save("empty", {})), 3, "holds no rows");
  expect_error(diff(good, save("foreign", {{{"event", "start"}}})), 3, "foreign:1: not a row");
  json incomplete = step("dense_1", "x", 100, 5);
  incomplete.erase("spread");
  expect_error(diff(good, save("incomplete", {incomplete})), 3, "'spread' is missing");
  json wrong = step("dense_1", "x", 100, 5);
  wrong["microseconds"] = "many";
  expect_error(diff(good, save("wrong", {wrong})), 3, "'microseconds' is not a number");
  expect_error(diff(good, save("mixed", {step("a", "x", 1, 1), algorithm("a", "x", true, 1)})), 3,
               "mixed:2: a row of algorithms among rows of steps");
  std::ofstream(folder_ / "text") << "step,op\n";
  expect_error(diff(folder_ / "text", good), 3, "text:1: not a JSON object");
  expect_error(diff(folder_.path(), good), 3, folder_.path());
}

}  // namespace
}  // namespace engine
