// The tools under test, run with one algorithm cache for all, and what their output must look like.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/process.h"

namespace engine {

using Words = std::vector<std::string>;

/// A temporary folder, removed at the end.
class WorkFolder {
 public:
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// engine-train or engine-profile with `words`.
Words tool(const std::string& name, const Words& words);
Outcome run_tool(const std::string& name, const Words& words, const WorkFolder& folder);

/// `engine-profile COMMAND mnist-mlp` at a small batch on one CPU thread, plus `words`.
Outcome profile(const std::string& command, const Words& words, const WorkFolder& folder);

/// `fit mnist-mlp` on a little synthetic data, reproducible, plus `words`.
Words fit(const Words& words);

/// The lines of `text`, each parsed as a JSON object; records a failure for one that is none.
std::vector<nlohmann::json> json_lines(const std::string& text);

/// Expects `status`, nothing on standard output, and one line "TOOL: error: …" with `part` at the
/// end of standard error.
void expect_error(const Outcome& outcome, int status, const std::string& part);

/// How often `part` occurs in `text`.
std::size_t occurrences(const std::string& text, const std::string& part);

/// The bytes of a file; records a failure when there is none.
std::string file_bytes(const std::string& path);

}  // namespace engine
