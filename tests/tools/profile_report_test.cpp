// engine-profile on a convolutional network: algorithms with their gains, and the HTML report.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/tools/tool.h"
#include "tests/tools/well_formed.h"

namespace engine {
namespace {

using nlohmann::json;

constexpr const char* kHostile = "<script>alert(\"x\")&'y'<!--]]>";

class ProfileCnn : public testing::Test {
 protected:
  ProfileCnn() {
    std::ofstream(folder_ / "net.toml") << "name = '''" << kHostile << "'''\n"
                                        << R"(input = [3, 8, 8]
batch = 4
[[layer]]
type = "convolution"
filters = 8
kernel = [3]
padding = "same"
activation = "relu"
[[layer]]
type = "max_pool"
window = [2]
[[layer]]
type = "convolution"
filters = 8
kernel = [3]
padding = "same"
[[layer]]
type = "flatten"
[[layer]]
type = "residual"
[[layer.layer]]
type = "dense"
units = 128
[[layer]]
type = "dense"
units = 10
)";
  }

  Outcome run(const std::string& command, const Words& words) {
    Words all = {command, folder_ / "net.toml", "--device", "cpu", "--threads", "1"};
    all.insert(all.end(), words.begin(), words.end());
    return run_tool("engine-profile", all, folder_);
  }

  std::vector<json> algorithms(const Words& words = {}) {
    Words all = {"--format", "json"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome outcome = run("algorithms", all);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    err_ = outcome.err;
    return json_lines(outcome.out);
  }

  // Lines of a cache, of which the first is its header.
  std::vector<std::string> cache_lines() {
    std::istringstream text(file_bytes(cache()));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  void write_cache(const std::vector<std::string>& lines) {
    std::ofstream file(cache());
    for (const std::string& line : lines) file << line << '\n';
  }
  std::string cache() const { return folder_ / "cache.jsonl"; }

  WorkFolder folder_;
  std::string err_;  // of the last algorithms()
};

using Where = std::pair<std::string, std::string>;
Where where(const json& row) {
  return {row["layer"], row["direction"]};
}

void expect_types(const json& row) {
  for (const char* name : {"layer", "direction", "problem", "candidate", "config"})
    EXPECT_TRUE(row.at(name).is_string()) << name << row;
  for (const char* name : {"chosen", "deterministic"})
    EXPECT_TRUE(row.at(name).is_boolean()) << name << row;
  EXPECT_TRUE(row.at("workspace").is_number_unsigned()) << row;
  EXPECT_TRUE(row.at("refusal").is_null() || row["refusal"].is_string()) << row;
  const bool timed = row.at("microseconds").is_number();
  EXPECT_EQ(row.at("spread").is_number(), timed) << row;
  EXPECT_TRUE(!timed || (row["refusal"].is_null() && row.at("error").is_number())) << row;
  for (const char* name : {"gain_over_heuristic", "gain_over_direct"})
    EXPECT_TRUE(row.at(name).is_null() || (row["chosen"] == true && row[name].is_number())) << row;
}

TEST_F(ProfileCnn, AlgorithmsOfEveryLayerAndDirection) {
  std::map<Where, int> chosen;
  for (const json& row : algorithms()) {
    expect_types(row);
    chosen[where(row)] += row["chosen"] == true ? 1 : 0;
  }
  std::map<Where, int> expected;
  for (const char* layer : {"convolution_1", "convolution_2", "residual_1/dense_1", "dense_1"})
    for (const char* direction : {"forward", "backward_data", "backward_filter"})
      expected[{layer, direction}] = 1;
  expected.erase({"convolution_1", "backward_data"});  // nobody needs it
  EXPECT_EQ(chosen, expected);
}

// Every kernel that may run takes 10 µs less than the one before it.
void slope(json& record) {
  double microseconds = 1000;
  for (std::size_t i = 0; i < record["results"].size(); ++i) {
    json& result = record["results"][i];
    if (!result["refusal"].is_null()) continue;
    result["microseconds"] = microseconds;
    record["chosen"] = i;
    microseconds -= 10;
  }
}

TEST_F(ProfileCnn, GainsAreDifferencesOfTheTimesInTheCache) {
  const Words words = {"--algorithm-cache", cache()};
  algorithms(words);
  std::vector<std::string> lines = cache_lines();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    json record = json::parse(lines[i]);
    slope(record);
    lines[i] = record.dump();
  }
  write_cache(lines);
  std::map<Where, std::vector<json>> groups;
  for (const json& row : algorithms(words)) groups[where(row)].push_back(row);
  for (const auto& [place, rows] : groups) {
    double fastest_direct = 0, fastest = 1e9;
    json chosen;
    for (const json& row : rows) {
      if (row["chosen"] == true) chosen = row;
      if (row["microseconds"].is_null()) continue;
      fastest = row["microseconds"];
      if (row["candidate"].get<std::string>().find("direct") != std::string::npos)
        fastest_direct = fastest;
    }
    EXPECT_EQ(chosen["microseconds"], fastest) << chosen;
    EXPECT_EQ(chosen["gain_over_heuristic"], 1000 - fastest) << chosen;
    if (fastest_direct > 0)
      EXPECT_EQ(chosen["gain_over_direct"], fastest_direct - fastest) << chosen;
    else
      EXPECT_TRUE(chosen["gain_over_direct"].is_null()) << chosen;
  }
  const Outcome table = run("algorithms", words);
  EXPECT_NE(table.out.find("convolution_1 forward"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("the first applicable"), std::string::npos) << table.out;
}

TEST_F(ProfileCnn, CacheLinesThatCannotServeAreSaidAndTunedAnew) {
  const Words words = {"--algorithm-cache", cache()};
  algorithms(words);
  std::vector<std::string> lines = cache_lines();
  const std::size_t whole = lines.size();
  json older = json::parse(lines.at(1));
  for (json& result : older["results"]) result.erase("error");
  lines[1] = older.dump();
  lines.at(2).resize(lines[2].size() / 2);
  write_cache(lines);
  EXPECT_FALSE(algorithms(words).empty());
  EXPECT_NE(err_.find("cache.jsonl:2: skipped: field 'error' is missing"), std::string::npos)
      << err_;
  EXPECT_NE(err_.find("cache.jsonl:3: skipped: not a JSON object"), std::string::npos) << err_;
  EXPECT_EQ(cache_lines().size(), whole);

  lines = cache_lines();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    json record = json::parse(lines[i]);
    record["fingerprint"] = "another machine";
    lines[i] = record.dump();
  }
  write_cache(lines);
  EXPECT_FALSE(algorithms(words).empty());
  EXPECT_NE(err_.find("made on 'another machine'"), std::string::npos) << err_;
  EXPECT_EQ(cache_lines().size(), 2 * whole - 1);
}

TEST_F(ProfileCnn, LimitsAndPatterns) {
  expect_error(run("algorithms", {"--workspace-limit", "0"}), 2, "--workspace-limit 0");
  expect_error(run("algorithms", {"--workspace-limit", "1", "--autotune", "off"}), 2,
               "needs the least");
  const Words off = {"--autotune", "off", "--candidates"};
  for (const auto& [pattern, wanted] : {std::pair("winograd|cudnn", true), {"-winograd", false}}) {
    Words words = off;
    words.emplace_back(pattern);
    for (const json& row : algorithms(words)) {
      if (row["chosen"] != true || where(row).first.ends_with("dense_1")) continue;
      const std::string candidate = row["candidate"];
      EXPECT_EQ(candidate.find("winograd") != std::string::npos, wanted) << row;
    }
    EXPECT_EQ(occurrences(err_, "leave no kernel for"), wanted ? 3u : 0u) << err_;
  }
}

TEST_F(ProfileCnn, CsvQuotesShapes) {
  const Outcome outcome = run("algorithms", {"--format", "csv", "--autotune", "off"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream text(outcome.out);
  std::string line;
  std::getline(text, line);
  const auto columns = std::count(line.begin(), line.end(), ',');
  while (std::getline(text, line)) {
    // Commas outside quotes separate; a problem's key, whose shapes have commas, is in quotes.
    bool quoted = false;
    std::ptrdiff_t commas = 0;
    for (char c : line) {
      quoted ^= c == '"';
      commas += !quoted && c == ',' ? 1 : 0;
    }
    EXPECT_EQ(commas, columns) << line;
    EXPECT_NE(line.find(",\"v1 "), std::string::npos) << line;
  }
}

TEST_F(ProfileCnn, StepsCountReorders) {
  const Outcome outcome = run("steps", {"--json", "--autotune", "off"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const json& row : json_lines(outcome.out))
    EXPECT_EQ(row["reorder"] == "step", row["op"] == "to_layout") << row;
}

TEST_F(ProfileCnn, ReportIsOneWellFormedFile) {
  const Outcome outcome = run("report", {"--html", folder_ / "report.html", "--autotune", "off"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const std::string html = file_bytes(folder_ / "report.html");
  EXPECT_EQ(why_not_well_formed(html), "");
  for (const char* part : {"id=\"algorithms\"", "id=\"steps\"", "id=\"memory\"", "id=\"passes\"",
                           "id=\"graph\"", "residual_1/dense_1", "backward_filter",
                           "convolution_1/weight_gradient", "pool-before-relu", "of the roofline"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  EXPECT_NE(html.find("&lt;script&gt;alert("), std::string::npos);
  EXPECT_EQ(html.find("<script>alert("), std::string::npos);
  EXPECT_EQ(occurrences(html, "<script"), 1u);
  for (const char* outside : {"src=", "href=\"http", "url(", "@import"})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
}

TEST_F(ProfileCnn, ReportNeedsAFile) {
  expect_error(run("report", {}), 2, "--html is required");
}

TEST_F(ProfileCnn, FilesThatCannotBeAreFoundOutBeforeAnythingIsMeasured) {
  for (const Words& option : {Words{"report", "--html"}, Words{"steps", "--trace"},
                              Words{"memory", "--svg"}, Words{"graph", "--dot"}})
    for (const std::string& file : {std::string(), folder_ / ".", folder_ / "nowhere/file"})
      expect_error(run(option[0], {option[1], file}), 1,
                   "'" + file + "': expected the name of a file in a folder that is there");
}

TEST(WellFormed, FindsFaults) {
  EXPECT_EQ(why_not_well_formed("<!DOCTYPE html>\n<a b=\"1 &lt; 2\"><c/>x &#8594; y</a>"), "");
  for (const char* text : {"<a>", "<a></b>", "<a b=1></a>", "<a>x & y</a>", "<a b=\"1\" b=\"2\"/>",
                           "<a>1 < 2</a>", "</a>", "<a b=\"<\"/>"})
    EXPECT_NE(why_not_well_formed(text), "") << text;
}

}  // namespace
}  // namespace engine
