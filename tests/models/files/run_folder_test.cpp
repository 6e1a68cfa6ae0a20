// Run folders: making and opening them, the configuration, and the metrics that a resume cuts back.
#include "models/train/run_folder.h"

#include <gtest/gtest.h>

#include <clocale>
#include <limits>
#include <locale>

#include "tests/models/scratch.h"

namespace engine {
namespace {

RunConfig config() {
  RunConfig config;
  config.set("model", std::string("mnist-mlp")).set("epochs", std::int64_t{20});
  return config.set("lr", 1e-3).set("deterministic", true).set("decay", 1.0);
}

EpochMetrics row(int epoch) {
  EpochMetrics metrics;
  metrics.epoch = epoch;
  metrics.loss = 0.1 * epoch;
  metrics.accuracy = 0.875;
  metrics.seconds = 1.0 / 3;
  return metrics;
}

TEST(RunFolder, IsMadeOnce) {
  const ScratchFolder folder;
  const RunFolder run = RunFolder::create(folder / "a/b", config());
  EXPECT_TRUE(run.read_config() == config());
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b/checkpoints"));
  EXPECT_EQ(read_text(folder / "a/b/metrics.csv").substr(0, 20), "epoch,loss,accuracy,");
  expect_error<UsageError>([&] { RunFolder::create(folder / "a/b", config()); },
                           {folder / "a/b", "already holds a run", "--resume"});
}

TEST(RunFolder, IsNotMadeAmongFilesOfARun) {
  const ScratchFolder folder;
  write_text(folder / "notes", "");
  write_text(folder / "metrics.csv", "");
  expect_error<UsageError>([&] { RunFolder::create(folder.path(), config()); }, {"(metrics.csv)"});
  std::filesystem::remove(folder / "metrics.csv");
  RunFolder::create(folder.path(), config());
}

TEST(RunFolder, IsTakenBackWhereItCannotBeFinished) {
  const ScratchFolder folder;
  const std::string path = folder / "run";
  RunConfig impossible = config();
  impossible.set("lr", std::numeric_limits<double>::infinity());
  EXPECT_THROW(RunFolder::create(path, impossible), UsageError);
  EXPECT_TRUE(std::filesystem::is_empty(path));
  RunFolder::create(path, config());
}

TEST(RunFolder, ThatCannotBeMadeIsKnownBefore) {
  const ScratchFolder folder;
  RunFolder::require_writable(folder / "a/b");
  RunFolder::require_writable(folder.path());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  write_text(folder / "file", "");
  // Permissions do not stop root, but these do.
  for (const std::string& path : {folder / "file", folder / "file/run",
                                  folder / std::string(300, 'x'), std::string("/proc/engine/run")})
    expect_error<FileError>([&] { RunFolder::require_writable(path); }, {path});
  RunFolder::create(folder / "run", config());
  expect_error<UsageError>([&] { RunFolder::require_writable(folder / "run"); },
                           {"already holds a run"});
}

TEST(RunFolder, TakesTheFirstFreeNumber) {
  const ScratchFolder folder;
  const auto create = [&] {
    return RunFolder::create_numbered(folder / "runs", "m", config()).path();
  };
  EXPECT_EQ(create(), folder / "runs/m-1");
  EXPECT_EQ(create(), folder / "runs/m-2");
  std::filesystem::remove_all(folder / "runs/m-1");
  EXPECT_EQ(create(), folder / "runs/m-1");
  EXPECT_EQ(create(), folder / "runs/m-3");
  EXPECT_THROW(RunFolder::create_numbered(folder.path(), "../m", config()), UsageError);
}

TEST(RunFolder, OpensOnlyRuns) {
  const ScratchFolder folder;
  expect_error<DataError>([&] { RunFolder::open(folder / "none"); }, {folder / "none", "no such"});
  expect_error<DataError>([&] { RunFolder::open(folder.path()); }, {"no config.json"});
  const std::string path = RunFolder::create(folder / "run", config()).path();
  EXPECT_TRUE(RunFolder::open(path).read_config() == config());
}

TEST(RunConfig, ReadsBackEveryTypeAndNamesWhatIsWrong) {
  const RunConfig read = RunConfig::from_json(config().to_json(), "config.json");
  EXPECT_EQ(read.text("model"), "mnist-mlp");
  EXPECT_EQ(read.integer("epochs"), 20);
  EXPECT_EQ(read.real("lr"), 1e-3);
  EXPECT_EQ(read.real("epochs"), 20.0);
  EXPECT_EQ(read.real("decay"), 1.0);
  EXPECT_TRUE(read.flag("deterministic"));
  EXPECT_FALSE(read.has("seed"));
  expect_error<DataError>([&] { read.integer("seed"); }, {"config.json", "'seed' is missing"});
  expect_error<DataError>([&] { read.integer("lr"); }, {"'lr' is not an integer"});
  expect_error<DataError>([&] { read.integer("decay"); }, {"'decay' is not an integer"});
  EXPECT_EQ(read.to_json(), config().to_json());
}

TEST(RunConfig, RefusesWhatIsNotFlatJson) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& wrong :
       {Case{"", "not valid JSON"}, Case{"[]", "not a JSON object"}, Case{"5", "not a JSON object"},
        Case{R"({"a":1,"a":2})", "duplicate key 'a'"}, Case{R"({"a":[]})", "deeper than 1"},
        Case{R"({"a":null})", "'a' is null"}, Case{R"({"a":18446744073709551615})", "'a' is 1844"},
        Case{R"({"a":1}})", "not valid JSON"}, Case{"{\"a\":\"\xff\"}", "not valid JSON"}})
    expect_error<DataError>([&] { RunConfig::from_json(wrong.text, "c.json"); },
                            {"c.json", wrong.message});
}

TEST(RunConfig, KeepsPathsThatAreNotUtf8Readable) {
  RunConfig odd;
  odd.set("data", std::string("a\xff/b"));
  EXPECT_EQ(RunConfig::from_json(odd.to_json(), "c").text("data"), "a\xef\xbf\xbd/b");
  odd.set("lr", std::numeric_limits<double>::infinity());
  expect_error<UsageError>([&] { odd.to_json(); }, {"'lr' is inf"});
}

class Metrics : public testing::Test {
 protected:
  ScratchFolder folder_;
  RunFolder run_ = RunFolder::create(folder_ / "run", config());
  MetricsLog log_ = run_.metrics();
  std::string csv_ = run_.path() + "/metrics.csv";
  std::string jsonl_ = run_.path() + "/metrics.jsonl";
};

TEST_F(Metrics, AreWrittenAsCsvAndJsonLines) {
  log_.append(row(1));
  EpochMetrics diverged = row(2);
  diverged.loss = std::numeric_limits<double>::quiet_NaN();
  log_.append(diverged);
  const std::string text = read_text(csv_);
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            "1,0.1,0.875,,,,,0.3333333333333333,,\n2,nan,0.875,,,,,0.3333333333333333,,\n");
  EXPECT_EQ(read_text(jsonl_),
            "{\"epoch\":1,\"loss\":0.1,\"accuracy\":0.875,\"seconds\":0.3333333333333333}\n"
            "{\"epoch\":2,\"loss\":null,\"accuracy\":0.875,\"seconds\":0.3333333333333333}\n");
  EXPECT_EQ(log_.read().front(), row(1));
}

TEST_F(Metrics, AreCutBackAsIfTheLaterEpochsHadNotBeen) {
  for (int epoch : {1, 2, 3}) log_.append(row(epoch));
  const std::string csv = read_text(csv_);
  const std::string jsonl = read_text(jsonl_);
  for (int epoch : {4, 5}) log_.append(row(epoch));
  log_.keep_until(3);
  EXPECT_EQ(read_text(csv_), csv);
  EXPECT_EQ(read_text(jsonl_), jsonl);
}

TEST_F(Metrics, SurviveDamagedAndUnfinishedLines) {
  log_.append(row(1));
  const std::string whole = read_text(csv_);
  const std::string next = "2,0.5,0.5,,,,,,,";  // a whole row but for its newline
  write_text(csv_, whole + "x,1,1,,,,,,,\n2,1\n\n3,0,5,,,,,,,,\n" + next);
  EXPECT_EQ(log_.read(), std::vector<EpochMetrics>{row(1)});
  log_.keep_until(9);
  EXPECT_EQ(read_text(csv_), whole);
  std::filesystem::remove(csv_);
  EXPECT_TRUE(log_.read().empty());
}

struct CommaDecimals : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// The C++ locale always, the C one where a suitable locale is installed.
TEST_F(Metrics, UseAPointInEveryLocale) {
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaDecimals));
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8"})
    if (std::setlocale(LC_ALL, name) != nullptr) break;
  EpochMetrics large = row(1);
  large.samples_per_second = 1234567.5;
  log_.append(large);
  const std::vector<EpochMetrics> rows = log_.read();
  const RunConfig read = run_.read_config();
  const std::string json = config().to_json();
  std::setlocale(LC_ALL, "C");
  std::locale::global(before);
  EXPECT_EQ(rows, std::vector<EpochMetrics>{large});
  EXPECT_TRUE(read == config());
  EXPECT_EQ(json, config().to_json());
  EXPECT_NE(read_text(jsonl_).find("1234567.5"), std::string::npos);
}

}  // namespace
}  // namespace engine
