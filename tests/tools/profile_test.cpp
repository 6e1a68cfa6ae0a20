// engine-profile by its contract.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

TEST(Profile, Doctor) {
  const WorkFolder folder;
  const Outcome outcome = run_tool("engine-profile", {"doctor", "--json"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json facts = json_lines(outcome.out).at(0);
  EXPECT_EQ(facts["devices"][0]["name"], "cpu");
  EXPECT_TRUE(facts["devices"][0]["why_not"].is_null());
  EXPECT_EQ(facts["cuda"].get<bool>(), facts["cuda_why_not"].is_null());
  EXPECT_EQ(facts["auto"], facts["cuda"] ? "cuda:0" : "cpu");
  EXPECT_GE(facts["cpu_cores"], 1);
  EXPECT_EQ(facts["cpu_threads"], facts["cpu_cores"]);
  for (const char* name : {"cpu", "cpu_level", "onednn", "onednn_isa", "algorithm_cache"})
    EXPECT_FALSE(facts[name].get<std::string>().empty()) << name;
  EXPECT_GT(facts["memory_bytes"], facts["devices"][0]["available_bytes"]);
}

TEST(Profile, DoctorSaysWhatStateTheCacheIsIn) {
  const WorkFolder folder;
  const auto facts = [&](const std::string& cache) {
    const Outcome outcome =
        run_tool("engine-profile", {"doctor", "--json", "--algorithm-cache", cache}, folder);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json_lines(outcome.out).at(0);
  };
  const json absent = facts(folder / "absent");
  EXPECT_EQ(absent["cache_exists"], false);
  EXPECT_EQ(absent["cache_writable"], true);
  EXPECT_TRUE(absent["cache_why_not"].is_null());
  std::ofstream(folder / "other") << "no cache\n";
  const json other = facts(folder / "other");
  EXPECT_NE(other["cache_why_not"].get<std::string>().find("other"), std::string::npos);
  std::ofstream(folder / "damaged") << R"({"engine-algorithm-cache":1})"
                                    << "\nnonsense\n";
  const json damaged = facts(folder / "damaged");
  EXPECT_EQ(damaged["cache_lines_corrupt"], 1);
  EXPECT_EQ(damaged["cache_records"], 0);
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

TEST(ProfileAlgorithms, KnowRecurrentLayers) {
  const WorkFolder folder;
  const Outcome outcome = run_tool("engine-profile",
                                   {"algorithms", "imdb-lstm", "--batch", "2", "--device", "cpu",
                                    "--threads", "1", "--autotune", "off", "--format", "csv"},
                                   folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* row : {"lstm_1,forward,", "lstm_1,backward,", "dense_1,backward_filter,"})
    EXPECT_NE(outcome.out.find(row), std::string::npos) << outcome.out;
}

TEST(Profile, CsvHasTheSameColumnsInEveryLine) {
  const WorkFolder folder;
  const Outcome outcome = profile("algorithms", {"--format", "csv", "--autotune", "off"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("layer,direction,problem,candidate,config,chosen,microseconds,", 0),
            0u);
}

// The share of the roof by its definition, from the other columns.
void expect_roofline(const json& row) {
  const double peak_flops = row["peak_gigaflops_per_second"],
               peak_bytes = row["peak_gigabytes_per_second"];
  EXPECT_GT(peak_flops, 0);
  EXPECT_GT(peak_bytes, 0);
  const double arithmetic = row["flops"].get<double>() / peak_flops / 1e3;
  const double memory = row["bytes"].get<double>() / peak_bytes / 1e3;
  EXPECT_EQ(row["bound"], arithmetic > memory ? "arithmetic" : "memory") << row;
  EXPECT_NEAR(row["attainable_share"].get<double>(),
              std::max(arithmetic, memory) / row["microseconds"].get<double>(), 1e-6)
      << row;
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
    EXPECT_GE(row["spread"], 0);
    expect_roofline(row);
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_NEAR(flops / 32, 3.21e6, 5e3);
}

// What ui.perfetto.dev wants of a trace in JSON.
TEST(Profile, TraceIsInTheTraceEventFormat) {
  const WorkFolder folder;
  const Outcome outcome =
      profile("steps", {"--json", "--autotune", "off", "--trace", folder / "trace.json"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::size_t steps = json_lines(outcome.out).size();
  const json trace = json::parse(file_bytes(folder / "trace.json"));
  std::map<std::string, std::size_t> kernels;
  std::size_t whole = 0, named_tracks = 0;
  double end = 0;
  for (const json& event : trace.at("traceEvents")) {
    for (const char* name : {"name", "ph", "pid", "tid", "args"})
      ASSERT_TRUE(event.contains(name)) << event;
    named_tracks += event["name"] == "thread_name" ? 1 : 0;
    if (event["ph"] != "X") continue;
    EXPECT_GE(event["ts"], 0.0);
    EXPECT_GT(event["dur"], 0.0);
    if (!event["args"].contains("candidate")) {
      ++whole;
      continue;
    }
    for (const char* name : {"flops", "bytes", "op", "problem"})
      EXPECT_TRUE(event["args"].contains(name)) << event;
    EXPECT_GE(event["ts"].get<double>(), end);  // one stream: nothing overlaps
    end = event["ts"].get<double>() + event["dur"].get<double>();
    ++kernels[event["name"]];
  }
  EXPECT_EQ(named_tracks, 4u);
  EXPECT_GT(whole, 1u);
  std::size_t total = 0;
  for (const auto& [name, count] : kernels) total += count;
  EXPECT_EQ(total, whole * steps);
}

TEST(Profile, TablesFitATerminal) {
  const WorkFolder folder;
  for (const char* command : {"algorithms", "steps", "memory", "passes", "graph"}) {
    const Outcome outcome = profile(command, {"--autotune", "off"}, folder);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("dense_1"), std::string::npos);
    EXPECT_EQ(outcome.err, "");
  }
}

}  // namespace
}  // namespace engine
