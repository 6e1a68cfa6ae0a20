// engine-profile graph and passes: the step before and after its rewrites.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

std::vector<json> nodes(const std::string& stage, const WorkFolder& folder) {
  const Outcome outcome =
      profile("graph", {"--stage", stage, "--json", "--autotune", "off"}, folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return json_lines(outcome.out);
}

bool has_op(const std::vector<json>& nodes, const std::string& op) {
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const json& node) { return node["op"] == op; });
}

TEST(ProfileGraph, StagesAreWhatTheyAreCalled) {
  const WorkFolder folder;
  const std::vector<json> built = nodes("built", folder);
  EXPECT_TRUE(has_op(built, "relu"));
  EXPECT_FALSE(has_op(built, "dense_weight_gradient"));
  const std::vector<json> trained = nodes("trained", folder);
  EXPECT_FALSE(has_op(trained, "relu"));  // now an epilogue
  EXPECT_TRUE(has_op(trained, "dense_weight_gradient"));
  const std::vector<json> compiled = nodes("compiled", folder);
  for (const json& node : trained)
    EXPECT_TRUE(node["candidate"].is_null() && node["in_place"] == "");
  EXPECT_TRUE(std::any_of(compiled.begin(), compiled.end(),
                          [](const json& node) { return node["in_place"] != ""; }));
  for (const json& node : compiled)
    EXPECT_TRUE(node["op"] == "state_read" || node["op"] == "state_assign" ||
                node["candidate"].is_string())
        << node;
}

TEST(ProfileGraph, TextWithoutFiles) {
  const WorkFolder folder;
  const Outcome graph = profile("graph", {"--stage", "built"}, folder);
  EXPECT_EQ(graph.out.rfind("graph mnist-mlp/train[32] {", 0), 0u) << graph.out;
  const Outcome program = profile("graph", {"--autotune", "off"}, folder);
  EXPECT_EQ(program.out.rfind("program mnist-mlp/train[32]", 0), 0u) << program.out;
  expect_error(profile("graph", {"--stage", "imagined"}, folder), 2, "--stage imagined");
}

std::string box_of(const json& node) {
  return "    n" + std::to_string(node["node"].get<int>()) + " [";
}

TEST(ProfileGraph, DotHasABoxAnOpThatNamesItsStates) {
  const WorkFolder folder;
  for (const char* stage : {"built", "trained", "compiled"}) {
    const Outcome outcome = profile(
        "graph",
        {"--stage", stage, "--autotune", "off", "--detail", "ops", "--dot", folder / "graph.dot"},
        folder);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    const std::string dot = file_bytes(folder / "graph.dot");
    EXPECT_EQ(dot.rfind("digraph \"mnist-mlp/train[32]\" {\n", 0), 0u);
    EXPECT_EQ(occurrences(dot, "{\n"), occurrences(dot, "}\n"));
    for (const json& node : nodes(stage, folder)) {
      const bool is_state = node["op"] == "state_read" || node["op"] == "state_assign";
      EXPECT_EQ(occurrences(dot, box_of(node)), is_state ? 0u : 1u) << node;
    }
    EXPECT_EQ(occurrences(dot, ">reads weights f32[784, 512]<") > 0, true);
    EXPECT_EQ(occurrences(dot, ">writes train/step<") > 0, std::string(stage) != "built");
    EXPECT_EQ(occurrences(dot, "in place\"") > 0, std::string(stage) == "compiled");
    EXPECT_GT(occurrences(dot, " -> n"), 8u);
  }
}

TEST(ProfileGraph, AssignmentsThatCopyAreBoxes) {
  const WorkFolder folder;
  const Words words = {"--no-pass", "in-place", "--autotune",        "off", "--json", "--detail",
                       "ops",       "--dot",    folder / "graph.dot"};
  const Outcome outcome = profile("graph", words, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string dot = file_bytes(folder / "graph.dot");
  for (const json& node : json_lines(outcome.out)) {
    EXPECT_EQ(occurrences(dot, box_of(node)), node["op"] == "state_read" ? 0u : 1u) << node;
  }
  EXPECT_GT(occurrences(dot, "shape=cylinder"), 8u);
}

// The DOT of a model's training step before it is lowered, whose kernels do not matter here.
std::string trained_dot(const std::string& model, const WorkFolder& folder) {
  const Outcome outcome = run_tool("engine-profile",
                                   {"graph", model, "--stage", "trained", "--batch", "2",
                                    "--device", "cpu", "--dot", folder / "graph.dot"},
                                   folder);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return file_bytes(folder / "graph.dot");
}

TEST(ProfileGraph, LargeGraphsAreRowsOfLayers) {
  const WorkFolder folder;
  const std::string dot = trained_dot("mnist-cnn", folder);
  // Every op is a line in one box; what updates states stands apart.
  EXPECT_EQ(occurrences(dot, " -> n"), 0u);
  EXPECT_EQ(occurrences(dot, "<b>convolution_1</b>"), 1u);
  EXPECT_EQ(occurrences(dot, "<b>convolution_1: gradients</b>"), 1u);
  EXPECT_EQ(occurrences(dot, ">convolution_weight_gradient&#160;"), 2u);
  EXPECT_EQ(occurrences(dot, ">convolution_input_gradient&#160;"), 1u);
  EXPECT_EQ(occurrences(dot, "<b>optimizer</b>"), 1u);
  EXPECT_EQ(occurrences(dot, "<i>to optimizer: 2 values"), 4u);
  EXPECT_EQ(occurrences(dot, "  forward_0 -> forward_1 ["), 1u);
  EXPECT_EQ(occurrences(dot, "  gradient_1 -> gradient_2 [label="), 1u);
}

TEST(ProfileGraph, BlocksThatAreAlikeAreOneRow) {
  const WorkFolder folder;
  const std::string dot = trained_dot("resnet18", folder);
  EXPECT_EQ(occurrences(dot, "<b>residual_1 … relu_3 (2 alike)</b>"), 1u);
  EXPECT_EQ(occurrences(dot, "<b>residual_2"), 0u);
  // Another stage begins with another stride.
  EXPECT_EQ(occurrences(dot, "<b>residual_3 … relu_4</b>"), 1u);
  EXPECT_EQ(occurrences(dot, "<b>residual_4 … relu_5</b>"), 1u);
}

TEST(ProfileGraph, GraphvizDrawsResidualNetworks) {
  if (std::system("command -v dot > /dev/null") != 0) GTEST_SKIP() << "no Graphviz";
  const WorkFolder folder;
  for (const char* stage : {"built", "trained"}) {
    const Outcome outcome = run_tool("engine-profile",
                                     {"graph", "resnet50", "--stage", stage, "--batch", "2",
                                      "--device", "cpu", "--svg", folder / "graph.svg"},
                                     folder);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(file_bytes(folder / "graph.svg").find("residual_16"), std::string::npos);
  }
}

// `graph --svg` with `script` as the program "dot".
Outcome draw_with(const std::string& script, const WorkFolder& folder) {
  const std::string path = getenv("PATH") != nullptr ? getenv("PATH") : "";
  std::ofstream(folder / "dot") << "#!/bin/sh\n" << script << '\n';
  std::filesystem::permissions(folder / "dot", std::filesystem::perms::owner_all);
  setenv("PATH", (folder.path() + ":" + path).c_str(), 1);
  const Outcome outcome = profile("graph", {"--stage", "built", "--svg", folder / "x.svg"}, folder);
  setenv("PATH", path.c_str(), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.svg"));
  return outcome;
}

TEST(ProfileGraph, WhereGraphvizFailsOneLineSaysHowAndWhatElseThereIs) {
  const WorkFolder folder;
  expect_error(draw_with("echo 'Error: trouble' >&2; echo more >&2; exit 3", folder), 1,
               "dot failed with exit status 3 (Error: trouble); --detail layers");
  expect_error(draw_with("kill -9 $$", folder), 1, "dot failed with signal 9; --detail layers");
  expect_error(profile("graph", {"--detail", "pixels"}, folder), 2, "--detail pixels");
}

TEST(ProfileGraph, WithoutGraphvizThePackageIsNamed) {
  const WorkFolder folder;
  const std::string path = getenv("PATH") != nullptr ? getenv("PATH") : "";
  setenv("PATH", folder.path().c_str(), 1);
  const Outcome outcome = profile("graph", {"--stage", "built", "--svg", folder / "x.svg"}, folder);
  setenv("PATH", path.c_str(), 1);
  expect_error(outcome, 1, "graphviz");
}

TEST(ProfilePasses, CountsAndLines) {
  const WorkFolder folder;
  const Outcome outcome =
      profile("passes", {"--json", "--autotune", "off", "--no-pass", "in-place"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::set<std::string> names;
  for (const json& row : json_lines(outcome.out)) {
    names.insert(row["pass"]);
    EXPECT_TRUE(row["stage"] == "forward" || row["stage"] == "step");
    EXPECT_EQ(row["count"], row["rewrites"].size());
    EXPECT_EQ(row["enabled"], row["pass"] != "in-place");
    EXPECT_FALSE(row.contains("gain_microseconds"));
  }
  EXPECT_TRUE(names.contains("in-place") && names.contains("common-subexpressions"));
}

TEST(ProfilePasses, AblationTimesWhatChangedSomething) {
  const WorkFolder folder;
  const Outcome outcome = profile("passes", {"--ablate", "--json", "--autotune", "off"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  bool has_gain = false;
  for (const json& row : json_lines(outcome.out)) {
    const bool timed = row["count"] > 0;
    has_gain = has_gain || timed;
    for (const char* name : {"microseconds_with", "microseconds_without", "gain_microseconds",
                             "gain_spread", "gain_bytes"})
      EXPECT_EQ(row[name].is_number(), timed) << row;
    if (row["pass"] != "in-place") continue;
    EXPECT_GT(row["gain_bytes"], 0) << row;
  }
  EXPECT_TRUE(has_gain);
}

}  // namespace
}  // namespace engine
