// The algorithm cache under failing disks, eight writers at once, and writers that are killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <sstream>

#include "engine/tune/algorithm_cache.h"
#include "tests/faults/faults.h"

namespace engine {
namespace {

constexpr std::size_t kFaults = 60;

Words writer(const std::string& path, const std::string& own, int count) {
  return tool("cache_writer", {path, own, std::to_string(count)});
}

// The problems in the cache, no line of which may be torn.
std::set<std::string> problems(const std::string& path) {
  std::set<std::string> names;
  for (const CacheLine& line : read_cache_lines(path)) {
    EXPECT_EQ(line.fault, "") << path << ':' << line.number;
    if (line.record) names.insert(line.record->problem);
  }
  return names;
}

void expect_all(const std::set<std::string>& present, const std::string& names) {
  std::istringstream text(names);
  for (std::string name; std::getline(text, name);)
    EXPECT_TRUE(present.contains(name)) << name << " was stored and is not there";
}

TEST(CacheFaults, KeepFormerRecordsWhereverTheyStrike) {
  const WorkFolder folder;
  const std::string path = folder / "cache";
  const auto write_former = [&] {
    return Process(writer(path, "former", 2), folder.path()).wait();
  };
  const std::string former = write_former().out;
  ASSERT_EQ(problems(path).size(), 4u);
  for (const Fault& fault : faults_in(list_calls(writer(path, "new", 1), path, folder), kFaults)) {
    SCOPED_TRACE(fault.what);
    std::filesystem::remove(path);
    write_former();
    const Outcome outcome =
        Process(with_fault(writer(path, "new", 1), path, fault), folder.path()).wait();
    expect_clean_end(outcome, fault);
    const std::set<std::string> present = problems(path);
    expect_all(present, former);
    // Who was warned knows that results are not saved.
    if (outcome.err.empty()) expect_all(present, outcome.out);
    if (HasFailure()) break;
  }
  write_former();
  EXPECT_EQ(temporaries(folder.path()), std::vector<std::string>());
}

TEST(CacheFaults, EightProcessesSomeKilledLoseNothing) {
  constexpr int kWriters = 8, kRecords = 12;
  const WorkFolder folder;
  const std::string path = folder / "cache";
  std::vector<std::unique_ptr<Process>> writers;
  for (int i = 0; i < kWriters; ++i)
    writers.push_back(std::make_unique<Process>(
        writer(path, std::string("own") + static_cast<char>('a' + i), kRecords), folder.path()));

  std::mt19937 random(1);
  for (int i = 0; i < kWriters; i += 2) {
    usleep(std::uniform_int_distribution<useconds_t>(5'000, 60'000)(random));
    writers[static_cast<std::size_t>(i)]->signal(SIGKILL);
  }
  std::string stored;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    const Outcome outcome = writers[i]->wait();
    EXPECT_EQ(outcome.err, "");
    if (i % 2 == 1) {
      EXPECT_EQ(outcome.status, 0);
      EXPECT_EQ(occurrences(outcome.out, "\n"), 2u * kRecords);
    }
    stored += outcome.out.substr(0, outcome.out.rfind('\n') + 1);
  }
  expect_all(problems(path), stored);
  Process(writer(path, "last", 1), folder.path()).wait();
  EXPECT_EQ(temporaries(folder.path()), std::vector<std::string>());
}

}  // namespace
}  // namespace engine
