#include "tests/tools/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace engine {
namespace {

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void send_to_file(int stream, const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0 || dup2(file, stream) < 0) _exit(126);
}

[[noreturn]] void become(const std::vector<std::string>& command, const std::string& out,
                         const std::string& err, Stdout to) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  send_to_file(STDERR_FILENO, err);
  if (to == Stdout::closed)
    close(STDOUT_FILENO);
  else
    send_to_file(STDOUT_FILENO, out);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const std::string& folder, Stdout to) {
  static std::atomic<int> number{0};
  const std::string stem = folder + "/process-" + std::to_string(number++);
  out_path_ = stem + ".out";
  err_path_ = stem + ".err";
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ == 0) become(command, out_path_, err_path_, to);
}

Process::~Process() {
  if (ended_) return;
  kill(child_, SIGKILL);
  waitpid(child_, &raw_status_, 0);
}

void Process::signal(int number) const {
  kill(child_, number);
}

std::string Process::output() const {
  return read_all(out_path_);
}

bool Process::has_ended() {
  if (!ended_) ended_ = waitpid(child_, &raw_status_, WNOHANG) == child_;
  return ended_;
}

bool Process::wait_for_output(const std::string& text) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < limit) {
    if (output().find(text) != std::string::npos) return true;
    if (has_ended()) return output().find(text) != std::string::npos;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

Outcome Process::wait() {
  if (!ended_) ended_ = waitpid(child_, &raw_status_, 0) == child_;
  const int status =
      WIFEXITED(raw_status_) ? WEXITSTATUS(raw_status_) : 128 + WTERMSIG(raw_status_);
  return {status, output(), read_all(err_path_)};
}

}  // namespace engine
