// engine-profile cache, on files made for it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/core/version.h"
#include "engine/tune/algorithm_cache.h"
#include "engine/tune/registry.h"
#include "ops/registry.h"
#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

constexpr const char* kHeader = R"({"engine-algorithm-cache":1})";

class ProfileCache : public testing::Test {
 protected:
  Outcome cache(const Words& words) {
    Words command = {"cache"};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--algorithm-cache", path(), "--threads", "1"});
    return run_tool("engine-profile", command, folder_);
  }

  // With every candidate that there is for a product on a CPU: the first is chosen.
  TuningRecord record(const std::string& shapes) {
    initialize();
    TuningRecord record{"v1 dense : " + shapes + " : strict", fingerprint(), kVersion, 0, {}};
    for (const KernelCandidate* candidate : CandidateRegistry::global().find("dense", "cpu"))
      record.results.push_back({.candidate = candidate->id(),
                                .version = candidate->version(),
                                .microseconds = 10 + static_cast<double>(record.results.size()),
                                .spread = 0.5});
    return record;
  }

  const std::string& fingerprint() {
    if (fingerprint_.empty()) {
      const Outcome outcome =
          run_tool("engine-profile", {"doctor", "--json", "--threads", "1"}, folder_);
      fingerprint_ = json_lines(outcome.out).at(0)["devices"][0]["fingerprint"];
    }
    return fingerprint_;
  }

  void write(const std::vector<std::string>& lines) {
    std::ofstream file(path());
    file << kHeader << '\n';
    for (const std::string& line : lines) file << line << '\n';
  }

  std::string path() const { return folder_ / "cache.jsonl"; }

  WorkFolder folder_;
  std::string fingerprint_;
};

TEST_F(ProfileCache, ListHasALineAProblem) {
  const TuningRecord first = record("f32[1, 2]"), second = record("f32[3, 4]");
  write({to_json_line(first), to_json_line(second)});
  const Outcome outcome = cache({"list", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<json> rows = json_lines(outcome.out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["problem"], first.problem);
  EXPECT_EQ(rows[0]["candidate"], first.results[0].candidate);
  EXPECT_EQ(rows[0]["microseconds"], 10);
  EXPECT_EQ(rows[1]["candidates"], second.results.size());
  EXPECT_NE(cache({"list"}).out.find("2 problems"), std::string::npos);
}

TEST_F(ProfileCache, ShowPrintsOneAndListsSeveral) {
  const TuningRecord first = record("f32[1, 2]"), second = record("f32[3, 4]");
  write({to_json_line(first), to_json_line(second)});
  const Outcome one = cache({"show", "[3, 4]"});
  ASSERT_EQ(one.status, 0) << one.err;
  for (const CandidateResult& result : second.results)
    EXPECT_NE(one.out.find(result.candidate), std::string::npos) << one.out;
  EXPECT_EQ(one.out.find("[1, 2]"), std::string::npos) << one.out;
  EXPECT_NE(cache({"show", "dense"}).out.find("2 keys hold 'dense'"), std::string::npos);
  EXPECT_EQ(json_lines(cache({"show", "dense", "--json"}).out).size(),
            first.results.size() + second.results.size());
  expect_error(cache({"show", "convolution"}), 2, "convolution");
  expect_error(cache({"show"}), 2, "KEY is missing");
}

TEST_F(ProfileCache, VerifyTellsLinesApart) {
  TuningRecord changed = record("f32[1, 2]"), elsewhere = record("f32[3, 4]");
  TuningRecord older = record("f32[5, 6]"), fewer = record("f32[7, 8]");
  changed.results[0].version += 1;
  elsewhere.fingerprint = "another machine";
  older.engine = "0.0.1";
  fewer.results.pop_back();
  write({to_json_line(record("f32[9, 9]")), to_json_line(changed), to_json_line(elsewhere),
         to_json_line(older), to_json_line(fewer)});
  const Outcome whole = cache({"verify", "--json"});
  EXPECT_EQ(whole.status, 0) << whole.err;
  const std::vector<std::string> expected = {"usable", "stale", "other device", "other engine",
                                             "stale"};
  const std::vector<json> rows = json_lines(whole.out);
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["state"], expected[i]) << rows[i];
    EXPECT_EQ(rows[i]["line"], i + 2);
  }
}

TEST_F(ProfileCache, VerifyFindsCorruptLines) {
  std::string cut = to_json_line(record("f32[1, 2]"));
  cut.resize(cut.size() / 2);
  write({cut, to_json_line(record("f32[3, 4]"))});
  const Outcome outcome = cache({"verify", "--json"});
  EXPECT_EQ(outcome.status, 1);
  const std::vector<json> rows = json_lines(outcome.out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["state"], "corrupt");
  EXPECT_EQ(rows[1]["state"], "usable");
  const Outcome table = cache({"verify"});
  EXPECT_EQ(table.status, 1);
  EXPECT_NE(table.out.find("1 corrupt"), std::string::npos) << table.out;
}

TEST_F(ProfileCache, ClearRemovesThatFileAlone) {
  write({to_json_line(record("f32[1, 2]")), to_json_line(record("f32[3, 4]"))});
  std::ofstream(folder_ / "neighbour") << "stays";
  const Outcome outcome = cache({"clear"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("2 records removed", 0), 0u) << outcome.out;
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "neighbour"));
}

TEST_F(ProfileCache, WhatIsNoCacheIsLeftAlone) {
  std::ofstream(path()) << "a letter\n";
  for (const char* action : {"list", "clear", "verify"})
    expect_error(cache({action}), 3, "cache.jsonl: does not begin with");
  EXPECT_EQ(file_bytes(path()), "a letter\n");
  std::filesystem::remove(path());
  for (const char* action : {"list", "clear", "verify"})
    expect_error(cache({action}), 3, "no such algorithm cache");
  expect_error(cache({"dance"}), 2, "cache dance: expected list");
  expect_error(cache({"list", "key"}), 2, "takes no KEY");
}

}  // namespace
}  // namespace engine
