#include "tests/tools/tool.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace engine {
namespace {

std::string binary(const std::string& name) {
  const char* folder = std::getenv("ENGINE_TEST_BIN");
  EXPECT_NE(folder, nullptr) << "ENGINE_TEST_BIN is not set; run the tests with ctest";
  return std::string(folder != nullptr ? folder : ".") + "/" + name;
}

}  // namespace

WorkFolder::WorkFolder()
    : path_((std::filesystem::temp_directory_path() / "engine-tools-XXXXXX").string()) {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

WorkFolder::~WorkFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

Words tool(const std::string& name, const Words& words) {
  Words command{binary(name)};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

Outcome run_tool(const std::string& name, const Words& words, const WorkFolder& folder) {
  return Process(tool(name, words), folder.path()).wait();
}

Outcome profile(const std::string& command, const Words& words, const WorkFolder& folder) {
  Words all = {command, "mnist-mlp", "--batch", "32", "--device", "cpu", "--threads", "1"};
  all.insert(all.end(), words.begin(), words.end());
  return run_tool("engine-profile", all, folder);
}

Words fit(const Words& words) {
  Words command = {"fit", "mnist-mlp",  "--data", "synthetic:2000", "--device", "cpu", "--threads",
                   "1",   "--autotune", "off",    "--batch",        "100"};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_TRUE(lines.back().is_object()) << line;
  }
  return lines;
}

void expect_error(const Outcome& outcome, int status, const std::string& part) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  ASSERT_FALSE(outcome.err.empty());
  EXPECT_EQ(outcome.err.back(), '\n');
  const std::size_t last = outcome.err.rfind('\n', outcome.err.size() - 2);
  const std::string line = outcome.err.substr(last == std::string::npos ? 0 : last + 1);
  EXPECT_EQ(line.rfind("engine-", 0), 0u) << line;
  EXPECT_NE(line.find(": error: "), std::string::npos) << line;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace engine
