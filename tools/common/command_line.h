// Commands, arguments and options of a tool: a thin front to CLI11, so that its headers are
// compiled once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace engine::tools {

/// One command. The variables handed in are set when the command line is parsed, and must outlive
/// that; options that were not given leave theirs alone.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(app) {}

  Command& argument(const std::string& name, std::string& value, const std::string& help);
  Command& argument(const std::string& name, std::optional<std::string>& value,
                    const std::string& help);
  /// `name` with its dashes, `unit` as the help prints it: "--batch", "N".
  Command& option(const std::string& name, std::optional<std::string>& value,
                  const std::string& unit, const std::string& help);
  Command& option(const std::string& name, std::optional<std::int64_t>& value,
                  const std::string& unit, const std::string& help);
  Command& option(const std::string& name, std::optional<double>& value, const std::string& unit,
                  const std::string& help);
  /// Given without a value it is empty.
  Command& option_with_or_without(const std::string& name, std::optional<std::string>& value,
                                  const std::string& unit, const std::string& help);
  Command& required_option(const std::string& name, std::string& value, const std::string& unit,
                           const std::string& help);
  /// May be given more than once.
  Command& repeatable(const std::string& name, std::vector<std::string>& values,
                      const std::string& unit, const std::string& help);
  Command& flag(const std::string& name, bool& value, const std::string& help);

 private:
  CLI::App& app_;
};

class CommandLine {
 public:
  CommandLine(const std::string& tool, const std::string& description);
  ~CommandLine();

  /// `run` returns the exit status.
  Command& add(const std::string& name, const std::string& help, std::function<int()> run);
  /// Parses, runs the command and returns the exit status. Throws UsageError for a command line
  /// that is not understood, and whatever the command throws.
  int run(int argc, char** argv);

 private:
  struct Entry;
  std::unique_ptr<CLI::App> app_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace engine::tools
