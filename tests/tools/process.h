// A child process with its output in files, so that neither can fill up and stop it.
#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

namespace engine {

struct Outcome {
  int status = -1;  ///< exit status, or 128 + the signal that ended it
  std::string out, err;
};

enum class Stdout { captured, closed };

class Process {
 public:
  /// Starts `command` (a path and its arguments); its output goes to files beside `folder`/.
  Process(const std::vector<std::string>& command, const std::string& folder,
          Stdout to = Stdout::captured);
  /// Kills what still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  /// What has come out so far.
  std::string output() const;
  /// Waits until standard output contains `text`; false when the process ends, or 60 s pass,
  /// before.
  bool wait_for_output(const std::string& text);
  Outcome wait();

 private:
  bool has_ended();
  std::string out_path_, err_path_;
  pid_t child_ = -1;
  int raw_status_ = 0;
  bool ended_ = false;
};

}  // namespace engine
