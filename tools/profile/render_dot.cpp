// Graphviz is a program of its own: it reads the graph from a temporary file as its standard input,
// and what it prints comes back in another.
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "engine/core/error.h"
#include "tools/common/output.h"
#include "tools/profile/dot.h"

extern char** environ;

namespace engine::tools {
namespace {

// Laying out takes less than a second, or without end.
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPause{5};
constexpr const char* kInstead =
    "--detail layers draws fewer boxes, --dot saves the graph as it is";

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(fmt::format("{}: {}", what, std::generic_category().message(error)));
}

// A file without a name that is gone when it is closed.
class TemporaryFile {
 public:
  TemporaryFile() : file_(std::tmpfile()) {
    if (!file_) fail("a temporary file cannot be made", errno);
  }
  int descriptor() const { return fileno(file_.get()); }

  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
        std::fflush(file_.get()) != 0 || lseek(descriptor(), 0, SEEK_SET) != 0)
      fail("a temporary file cannot be written", errno);
  }

  std::string read() {
    std::rewind(file_.get());
    std::string text;
    char block[1 << 14];
    while (const std::size_t count = std::fread(block, 1, sizeof block, file_.get()))
      text.append(block, count);
    if (std::ferror(file_.get()) != 0) fail("a temporary file cannot be read", errno);
    return text;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

class Redirections {
 public:
  Redirections() {
    if (const int error = posix_spawn_file_actions_init(&actions_); error != 0)
      fail("dot cannot be started", error);
  }
  ~Redirections() { posix_spawn_file_actions_destroy(&actions_); }
  Redirections(const Redirections&) = delete;
  Redirections& operator=(const Redirections&) = delete;

  void add(const TemporaryFile& file, int stream) {
    const int error = posix_spawn_file_actions_adddup2(&actions_, file.descriptor(), stream);
    if (error != 0) fail("dot cannot be started", error);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// The status of a child that has ended, or nothing after kPatience; then it is ended.
std::optional<int> wait_for(pid_t child) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  int status = 0;
  for (;;) {
    const bool late = std::chrono::steady_clock::now() > deadline;
    if (late) kill(child, SIGKILL);
    const pid_t ended = waitpid(child, &status, late ? 0 : WNOHANG);
    if (ended < 0 && errno != EINTR) fail("dot cannot be waited for", errno);
    if (ended == child) return late ? std::nullopt : std::optional(status);
    std::this_thread::sleep_for(kPause);
  }
}

// "dot failed with exit status 1 (Error: trouble in init_rank)", and what can be done instead.
[[noreturn]] void fail_to_draw(int status, std::string said) {
  said = said.substr(0, said.find('\n'));
  throw Error(fmt::format("dot failed with {} {}{}; {}",
                          WIFEXITED(status) ? "exit status" : "signal",
                          WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
                          said.empty() ? "" : " (" + one_line(said) + ")", kInstead));
}

}  // namespace

std::string render_dot(const std::string& dot) {
  TemporaryFile input, output, errors;
  input.write(dot);
  Redirections redirections;
  redirections.add(input, STDIN_FILENO);
  redirections.add(output, STDOUT_FILENO);
  redirections.add(errors, STDERR_FILENO);
  char name[] = "dot", format[] = "-Tsvg";
  char* const arguments[] = {name, format, nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, name, redirections.get(), nullptr, arguments, environ);
  if (error == ENOENT)
    throw Error(
        "the drawing needs the program 'dot', which is not installed: it is in the package "
        "graphviz (graph --dot saves the graph without it)");
  if (error != 0) fail("dot cannot be started", error);
  const std::optional<int> status = wait_for(child);
  if (!status)
    throw Error(fmt::format("dot was not done after {} s; {}", kPatience.count(), kInstead));
  if (*status != 0) fail_to_draw(*status, errors.read());
  return output.read();
}

}  // namespace engine::tools
