#include "engine/core/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <vector>

#include "engine/core/error.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

constexpr std::uint64_t kLimit = 64 << 20;

void replace_by(const std::string& path, const std::string& text) {
  replace_file(path, [&](FileWriter& file) { file.write(text); });
}

TEST(ReplaceFile, WritesBytesOfAnySizeInOrder) {
  const ScratchFolder folder;
  std::string expected;
  replace_file(folder.file("data"), [&](FileWriter& file) {
    // Around the buffer's megabyte: below, equal, above, and nothing at all.
    for (std::size_t size : {3, 1 << 20, 0, (1 << 20) - 3, 5, (3 << 20) + 1, 7}) {
      const std::string part(size, static_cast<char>('a' + size % 26));
      file.write(part);
      expected += part;
    }
  });
  EXPECT_EQ(read_file(folder.file("data"), kLimit), expected);
  EXPECT_EQ(folder.count(), 1);
}

TEST(ReplaceFile, PathsAreBytes) {
  const ScratchFolder folder;
  const std::string name = folder.file("with space \xff\xfe \n end");
  replace_by(name, "x");
  EXPECT_EQ(read_file(name, 1), "x");
}

TEST(ReplaceFile, RelativePath) {
  const ScratchFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.file(""));
  replace_by("plain", "x");
  EXPECT_EQ(read_file("plain", 1), "x");
  std::filesystem::current_path(before);
}

TEST(ReplaceFile, FailingBodyLeavesTheOldFile) {
  const ScratchFolder folder;
  replace_by(folder.file("data"), "old");
  EXPECT_THROW(replace_file(folder.file("data"),
                            [](FileWriter& file) {
                              file.write(std::string(3 << 20, 'n'));
                              throw std::logic_error("changed my mind");
                            }),
               std::logic_error);
  EXPECT_EQ(read_file(folder.file("data"), kLimit), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(ReplaceFile, FullDiskLeavesTheOldFile) {
  const ScratchFolder folder;
  replace_by(folder.file("data"), "old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;  // the first write is short, the next one fails
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW_WITH(replace_by(folder.file("data"), std::string(300'000, 'n')), FileError,
                    folder.file("data"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(folder.file("data"), kLimit), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(ReplaceFile, TargetThatCannotBeReplaced) {
  const ScratchFolder folder;
  make_folder(folder.file("taken/by/folders"));
  EXPECT_THROW_WITH(replace_by(folder.file("taken"), "x"), FileError, "cannot be replaced");
  EXPECT_EQ(folder.count(), 1);
  EXPECT_THROW_WITH(replace_by(folder.file("absent/data"), "x"), FileError, "No such file");
  write_text(folder.file("file"), "");
  EXPECT_THROW_WITH(replace_by(folder.file("file/data"), "x"), FileError, "Not a directory");
  EXPECT_THROW(replace_by("", "x"), FileError);
}

// Left by a process that was killed: locked by nobody. One that is being written stays, as does
// what only looks similar.
TEST(ReplaceFile, SweepsTemporariesOfDeadWriters) {
  const ScratchFolder folder;
  const std::vector<std::string> kept = {"data.tmp-12-3x", "data.tmp-12",     "data.tmp--1",
                                         "other.tmp-12-3", "data.tmp-12-3-4", "x.data.tmp-12-3"};
  for (const std::string& name : kept) write_text(folder.file(name), "keep");
  write_text(folder.file("data.tmp-12-3"), "half");
  write_text(folder.file("data.tmp-99999999-0"), "");
  replace_file(folder.file("data"), [&](FileWriter& file) {
    file.write(std::string(1 << 20, 'x'));
    replace_by(folder.file("data"), "in between");
  });
  EXPECT_EQ(read_file(folder.file("data"), kLimit), std::string(1 << 20, 'x'));
  for (const std::string& name : kept) EXPECT_TRUE(std::filesystem::exists(folder.file(name)));
  EXPECT_EQ(folder.count(), static_cast<std::ptrdiff_t>(kept.size()) + 1);
}

TEST(MoveFile, ReplacesItsTarget) {
  const ScratchFolder folder;
  write_text(folder.file("old"), "old");
  write_text(folder.file("new"), "new");
  move_file(folder.file("new"), folder.file("old"));
  EXPECT_EQ(read_file(folder.file("old"), kLimit), "new");
  EXPECT_EQ(folder.count(), 1);
  EXPECT_THROW_WITH(move_file(folder.file("new"), folder.file("old")), FileError, "No such file");
}

TEST(ClaimFile, SucceedsOnce) {
  const ScratchFolder folder;
  EXPECT_TRUE(claim_file(folder.file("mine")));
  EXPECT_FALSE(claim_file(folder.file("mine")));
  EXPECT_THROW_WITH(claim_file(folder.file("absent/mine")), FileError, "cannot be made");
}

TEST(ReadFile, LimitIsInclusive) {
  const ScratchFolder folder;
  write_text(folder.file("data"), "12345");
  EXPECT_EQ(read_file(folder.file("data"), 5), "12345");
  EXPECT_THROW_WITH(read_file(folder.file("data"), 4), DataError, "has 5 bytes, at most 4");
  write_text(folder.file("empty"), "");
  EXPECT_EQ(read_file(folder.file("empty"), 0), "");
}

TEST(ReadFile, OnlyRegularFiles) {
  const ScratchFolder folder;
  EXPECT_THROW_WITH(read_file(folder.file(""), 9), FileError, "is not a regular file");
  ASSERT_EQ(mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_THROW_WITH(read_file(folder.file("fifo"), 9), FileError, "is not a regular file");
  EXPECT_THROW_WITH(read_file("/dev/zero", 9), FileError, "is not a regular file");
  EXPECT_THROW_WITH(read_file(folder.file("absent"), 9), FileError, "No such file");
}

TEST(ReadFile, SizeThatTheSystemDoesNotState) {
  EXPECT_FALSE(read_file("/proc/self/status", kLimit).empty());
  EXPECT_THROW(read_file("/proc/self/status", 10), DataError);
}

TEST(MakeFolder, MakesParentsAndKeepsWhatIsThere) {
  const ScratchFolder folder;
  make_folder(folder.file("a/b"));
  make_folder(folder.file("a/b"));
  write_text(folder.file("a/b/file"), "");
  EXPECT_THROW_WITH(make_folder(folder.file("a/b/file")), FileError, "cannot be made");
  EXPECT_THROW_WITH(make_folder(folder.file("a/b/file/c")), FileError, "cannot be made");
}

// Each process increments a number in a file; without the lock increments get lost.
TEST(FileLock, ExcludesOtherProcesses) {
  constexpr int kProcesses = 4, kIncrements = 25;
  const ScratchFolder folder;
  write_text(folder.file("count"), "0");
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child > 0) {
      children.push_back(child);
      continue;
    }
    for (int i = 0; i < kIncrements; ++i) {
      const FileLock lock(folder.file("lock"));
      const int count = std::stoi(read_file(folder.file("count"), 100));
      std::ofstream(folder.file("count")) << count + 1;
    }
    _exit(0);
  }
  for (pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(read_file(folder.file("count"), 100), "100");
}

TEST(FileLock, UnusablePath) {
  const ScratchFolder folder;
  EXPECT_THROW_WITH(FileLock(folder.file("absent/lock")), FileError, "lock cannot be opened");
}

}  // namespace
}  // namespace engine
