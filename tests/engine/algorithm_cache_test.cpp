#include "engine/tune/algorithm_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <limits>

#include "engine/core/error.h"
#include "engine/core/file.h"
#include "engine/core/version.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

const std::string kHeader = "{\"engine-algorithm-cache\":1}\n";

TuningRecord make_record(const std::string& problem, const std::string& fingerprint = "cpu") {
  TuningRecord record{problem, fingerprint, kVersion, 0, {}};
  record.results.push_back({"a.fast", "blocked 64", 3, 12.5, 0.1, 4096, true, 1.75, ""});
  record.results.push_back({"b.wrong", "", 1, 0, 0, 0, false,
                            std::numeric_limits<double>::infinity(), "wrong \"result\"\n\tat 3"});
  return record;
}

std::ptrdiff_t count_lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

std::string with(std::string line, const std::string& from, const std::string& to) {
  const std::size_t place = line.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return line.replace(place, from.size(), to);
}

// What opening `path` says on standard error.
std::string warnings_of(const std::string& path) {
  testing::internal::CaptureStderr();
  const AlgorithmCache cache(path);
  return testing::internal::GetCapturedStderr();
}

TEST(TuningRecordJson, RoundTripInAStableOrder) {
  const TuningRecord record = make_record("v1 dense");
  const std::string line = to_json_line(record);
  EXPECT_EQ(tuning_record_from_json(line), record);
  EXPECT_EQ(line.rfind(R"({"problem":"v1 dense","fingerprint":"cpu","engine":")", 0), 0u) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("microseconds":12.5,"spread":0.1,"workspace":4096)"), std::string::npos);
}

TEST(TuningRecordJson, KeepsEveryBitOfANumberInAnyLocale) {
  TuningRecord record = make_record("p");
  record.results[0].microseconds = 1.0 / 3;
  record.results[0].spread = 1e-300;
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    setlocale(LC_ALL, locale);  // leaves the locale alone where it is not installed
    EXPECT_EQ(tuning_record_from_json(to_json_line(record)), record);
  }
}

TEST(TuningRecordJson, RejectsNamingTheField) {
  const std::string good = to_json_line(make_record("p"));
  const auto reject = [&](const std::string& from, const std::string& to, const std::string& part) {
    EXPECT_THROW_WITH(tuning_record_from_json(with(good, from, to)), DataError, part);
  };
  reject(R"("problem":"p",)", "", "'problem' is missing");
  reject(R"("problem":"p")", R"("problem":7)", "'problem' is not a string");
  reject(R"("chosen":0)", R"("chosen":2)", "'chosen' is not an integer from 0 to 1");
  reject(R"("chosen":0)", R"("chosen":-1)", "'chosen'");
  reject(R"("chosen":0)", R"("chosen":0.5)", "'chosen'");
  reject(R"("chosen":0)", R"("chosen":1)", "refused candidate");
  reject(R"("workspace":4096)", R"("workspace":99999999999999999999)", "'workspace'");
  reject(R"("workspace":4096)", R"("workspace":18446744073709551615)", "'workspace'");
  reject(R"("microseconds":12.5)", R"("microseconds":-1)", "'microseconds'");
  reject(R"("microseconds":12.5)", R"("microseconds":1e300)", "'microseconds'");
  reject(R"("microseconds":12.5)", R"("microseconds":1e999)", "not a JSON object");
  reject(R"("microseconds":12.5)", R"("microseconds":null)", "'microseconds'");
  reject(R"("deterministic":true)", R"("deterministic":1)", "'deterministic'");
  reject(R"("version":3)", R"("version":3000000000)", "'version'");
  reject("[{", "[3,{", "'results'");
  reject(good, "[]", "not a JSON object");
  reject(good, R"({"problem":"p","fingerprint":"f","engine":"e","results":[],"chosen":0})",
         "results");
  reject(good, std::string(100'000, '['), "not a JSON object");
  reject(good, std::string(2 << 20, ' ') + good, "at most 1048576");
}

TEST(AlgorithmCache, InMemory) {
  AlgorithmCache cache;
  cache.store(make_record("p"));
  EXPECT_EQ(cache.find("p", "cpu"), make_record("p"));
  cache.erase("p", "cpu");
  EXPECT_EQ(cache.find("p", "cpu"), std::nullopt);
  EXPECT_EQ(cache.path(), "");
}

TEST(AlgorithmCache, SurvivesTheProcess) {
  const ScratchFolder folder;
  const std::string path = folder.file("made/on/first/save.jsonl");
  {
    AlgorithmCache cache(path);
    cache.store(make_record("q"));
    cache.store(make_record("p"));
  }
  const AlgorithmCache cache(path);
  EXPECT_EQ(cache.find("p", "cpu"), make_record("p"));
  EXPECT_EQ(cache.records().size(), 2u);
  EXPECT_EQ(read_file(path, 1 << 20), kHeader + to_json_line(make_record("p")) + '\n' +
                                          to_json_line(make_record("q")) + '\n');
}

TEST(AlgorithmCache, OtherFingerprintIsAMiss) {
  AlgorithmCache cache;
  cache.store(make_record("p", "driver 1"));
  EXPECT_EQ(cache.find("p", "driver 2"), std::nullopt);
  EXPECT_NE(cache.find("p", "driver 1"), std::nullopt);
}

TEST(AlgorithmCache, StoreReplacesAndEraseForgetsInTheFileToo) {
  const ScratchFolder folder;
  AlgorithmCache cache(folder.file("cache"));
  cache.store(make_record("p"));
  TuningRecord changed = make_record("p");
  changed.results[0].microseconds = 1;
  cache.store(changed);
  cache.store(make_record("q"));
  cache.erase("q", "cpu");
  EXPECT_EQ(AlgorithmCache(folder.file("cache")).records(), std::vector{changed});
}

TEST(AlgorithmCache, CorruptLinesAreSkippedWithAFewWarnings) {
  const ScratchFolder folder;
  const std::string good = to_json_line(make_record("p"));
  std::string text =
      kHeader + good.substr(0, good.size() / 2) + '\n' + "\xff\x80\n\n" + good + '\n';
  for (int i = 0; i < 5; ++i) text += "{}\n";
  text += std::string(2 << 20, 'x') + '\n' + to_json_line(make_record("q"));
  write_text(folder.file("cache"), text);

  const std::string warnings = warnings_of(folder.file("cache"));
  EXPECT_EQ(count_lines(warnings), 4) << warnings;
  EXPECT_NE(warnings.find("cache:2: skipped: not a JSON object"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("6 more corrupt lines"), std::string::npos) << warnings;

  AlgorithmCache cache(folder.file("cache"));
  EXPECT_EQ(cache.records().size(), 2u);
  cache.store(make_record("r"));
  EXPECT_EQ(warnings_of(folder.file("cache")), "");
  EXPECT_EQ(AlgorithmCache(folder.file("cache")).records().size(), 3u);
}

TEST(AlgorithmCache, OtherEngineVersionsAreNotUsedButKept) {
  const ScratchFolder folder;
  TuningRecord old = make_record("p");
  old.engine = "0.0.1";
  const std::string future = R"({"engine":"9.0","shape":"unknown"})";
  write_text(folder.file("cache"), kHeader + to_json_line(old) + '\n' + future + '\n');
  EXPECT_EQ(warnings_of(folder.file("cache")), "");
  AlgorithmCache cache(folder.file("cache"));
  EXPECT_TRUE(cache.records().empty());
  cache.store(make_record("p"));
  EXPECT_EQ(
      read_file(folder.file("cache"), 1 << 20),
      kHeader + to_json_line(make_record("p")) + '\n' + to_json_line(old) + '\n' + future + '\n');
}

TEST(AlgorithmCache, FileThatIsNoCacheIsLeftAlone) {
  const ScratchFolder folder;
  for (const std::string text :
       {"my only copy of a thesis\n", "{\"engine-algorithm-cache\":2}\n"}) {
    write_text(folder.file("thesis"), text);
    EXPECT_EQ(count_lines(warnings_of(folder.file("thesis"))), 1);
    AlgorithmCache cache(folder.file("thesis"));
    cache.store(make_record("p"));
    EXPECT_NE(cache.find("p", "cpu"), std::nullopt);
    EXPECT_EQ(read_file(folder.file("thesis"), 1 << 20), text);
  }
}

TEST(AlgorithmCache, FileBeyondTheLimitIsNotRead) {
  const ScratchFolder folder;
  write_text(folder.file("cache"), kHeader);
  ASSERT_EQ(truncate(folder.file("cache").c_str(), off_t{300} << 20), 0);
  const std::string warnings = warnings_of(folder.file("cache"));
  EXPECT_EQ(count_lines(warnings), 1) << warnings;
}

TEST(AlgorithmCache, EmptyFileIsAnEmptyCache) {
  const ScratchFolder folder;
  write_text(folder.file("cache"), "");
  EXPECT_EQ(warnings_of(folder.file("cache")), "");
  AlgorithmCache(folder.file("cache")).store(make_record("p"));
  EXPECT_EQ(AlgorithmCache(folder.file("cache")).records().size(), 1u);
}

TEST(AlgorithmCache, UnwritableFolderIsOneWarning) {
  const ScratchFolder folder;
  write_text(folder.file("file"), "");
  testing::internal::CaptureStderr();
  AlgorithmCache cache(folder.file("file/cache"));
  cache.store(make_record("p"));
  cache.store(make_record("q"));
  EXPECT_EQ(count_lines(testing::internal::GetCapturedStderr()), 1);
  EXPECT_EQ(cache.records().size(), 2u);
}

TEST(AlgorithmCache, ReadOnlyNeverWrites) {
  const ScratchFolder folder;
  AlgorithmCache(folder.file("cache")).store(make_record("p"));
  const std::string before = read_file(folder.file("cache"), 1 << 20);
  AlgorithmCache cache(folder.file("cache"), AlgorithmCache::Access::read_only);
  cache.store(make_record("q"));
  cache.erase("p", "cpu");
  EXPECT_EQ(cache.records(), std::vector{make_record("q")});
  EXPECT_EQ(read_file(folder.file("cache"), 1 << 20), before);
}

TEST(AlgorithmCache, ProcessesStoringAtOnceLoseNothing) {
  constexpr int kProcesses = 4, kRecords = 20;
  const ScratchFolder folder;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child > 0) {
      children.push_back(child);
      continue;
    }
    AlgorithmCache cache(folder.file("cache"));
    for (int i = 0; i < kRecords; ++i)
      cache.store(make_record(fmt::format("problem {} of {}", i, process)));
    _exit(0);
  }
  for (pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(warnings_of(folder.file("cache")), "");
  EXPECT_EQ(AlgorithmCache(folder.file("cache")).records().size(), 1u * kProcesses * kRecords);
}

TEST(AlgorithmCache, DefaultPath) {
  setenv("HOME", "/home/somebody", 1);
  setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(AlgorithmCache::default_path(), "/cache/engine/algorithms.jsonl");
  for (const char* value : {"", "relative"}) {  // the XDG specification has relative paths ignored
    setenv("XDG_CACHE_HOME", value, 1);
    EXPECT_EQ(AlgorithmCache::default_path(), "/home/somebody/.cache/engine/algorithms.jsonl");
  }
  unsetenv("HOME");
  EXPECT_EQ(AlgorithmCache::default_path(), "");
}

}  // namespace
}  // namespace engine
