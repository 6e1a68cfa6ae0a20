// Processes whose n-th call on files goes wrong (inject.cpp), for every n or a spread of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/tools/tool.h"

namespace engine {

/// One call on a watched file, as a process without faults makes it.
struct FileCall {
  std::string name;  ///< "write"
  std::string path;
};

struct Fault {
  std::size_t call = 0;  ///< counted from 1; 0: none
  std::string action;    ///< as in inject.cpp
  std::string what;      ///< for messages: "ENOSPC at call 17, write RUN/config.json"
};

/// `command` with `fault` among its calls on paths that begin with `prefix`.
Words with_fault(const Words& command, const std::string& prefix, const Fault& fault);

/// Runs `command`, which must succeed, and returns its calls on paths that begin with `prefix`.
std::vector<FileCall> list_calls(const Words& command, const std::string& prefix,
                                 const WorkFolder& folder);

/// Every way in which one of `calls` can go wrong: `most` of them, evenly spread, or all of them
/// where $ENGINE_TEST_EXHAUSTIVE is 1.
std::vector<Fault> faults_in(const std::vector<FileCall>& calls, std::size_t most);

/// Expects what a fault may end in: success, status 1 with one line that says why, or death by
/// SIGKILL where the fault was that.
void expect_clean_end(const Outcome& outcome, const Fault& fault);

/// The names in `folder`, at any depth, that only a file being replaced has.
std::vector<std::string> temporaries(const std::string& folder);

}  // namespace engine
