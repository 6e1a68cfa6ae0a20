#include "tests/faults/faults.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace engine {
namespace {

Words preloaded(const Words& command, const std::string& prefix, const Words& settings) {
  Words words = {"/usr/bin/env", "LD_PRELOAD=" FAULT_INJECTOR, "FAULT_PATH=" + prefix};
  words.insert(words.end(), settings.begin(), settings.end());
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

// What can happen to a call of this name.
Words actions_of(const std::string& call) {
  if (call == "write") return {"ENOSPC", "EIO", "EINTR", "short", "full", "kill"};
  if (call == "rename" || call == "unlink" || call == "mkdir") return {"ENOSPC", "EIO", "kill"};
  return {"ENOSPC", "EIO", "EINTR", "kill"};
}

}  // namespace

Words with_fault(const Words& command, const std::string& prefix, const Fault& fault) {
  return preloaded(command, prefix,
                   {"FAULT_CALL=" + std::to_string(fault.call), "FAULT_ACTION=" + fault.action});
}

std::vector<FileCall> list_calls(const Words& command, const std::string& prefix,
                                 const WorkFolder& folder) {
  const std::string list = folder / "calls";
  const Outcome outcome =
      Process(preloaded(command, prefix, {"FAULT_LIST=" + list}), folder.path()).wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream text(file_bytes(list));
  std::vector<FileCall> calls;
  std::size_t number = 0;
  for (FileCall call; text >> number >> call.name && std::getline(text >> std::ws, call.path);) {
    EXPECT_EQ(number, calls.size() + 1);
    calls.push_back(call);
  }
  return calls;
}

std::vector<Fault> faults_in(const std::vector<FileCall>& calls, std::size_t most) {
  std::vector<Fault> all;
  for (std::size_t i = 0; i < calls.size(); ++i)
    for (const std::string& action : actions_of(calls[i].name))
      all.push_back({i + 1, action,
                     action + " at call " + std::to_string(i + 1) + ", " + calls[i].name + " " +
                         calls[i].path});
  const char* exhaustive = std::getenv("ENGINE_TEST_EXHAUSTIVE");
  if (exhaustive != nullptr && std::string(exhaustive) == "1") most = all.size();
  std::vector<Fault> chosen;
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i)
    chosen.push_back(all[i * all.size() / std::min(most, all.size())]);
  return chosen;
}

void expect_clean_end(const Outcome& outcome, const Fault& fault) {
  if (fault.action == "kill") {
    EXPECT_EQ(outcome.status, 128 + SIGKILL) << outcome.err;
  } else if (fault.action == "EINTR" || fault.action == "short") {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
  } else if (outcome.status == 0) {
    EXPECT_LE(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 3) << outcome.err;
  } else {
    expect_error(outcome, 1, fault.action == "EIO" ? "Input/output error" : "No space left");
    EXPECT_EQ(occurrences(outcome.err, "error: "), 1u) << outcome.err;
  }
}

std::vector<std::string> temporaries(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().filename().native().find(".tmp-") != std::string::npos)
      found.push_back(entry.path().native());
  return found;
}

}  // namespace engine
