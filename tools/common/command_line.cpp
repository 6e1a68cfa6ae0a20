#include "tools/common/command_line.h"

#include <CLI/CLI.hpp>

#include "engine/core/error.h"
#include "engine/core/version.h"
#include "tools/common/output.h"

namespace engine::tools {
namespace {

template <class T>
CLI::Option* add_option(CLI::App& app, const std::string& name, T& value, const std::string& unit,
                        const std::string& help) {
  return app.add_option(name, value, help)->type_name(unit);
}

}  // namespace

struct CommandLine::Entry {
  CLI::App* app;
  Command command;
  std::function<int()> run;
};

Command& Command::argument(const std::string& name, std::string& value, const std::string& help) {
  add_option(app_, name, value, "", help)->required();
  return *this;
}

Command& Command::argument(const std::string& name, std::optional<std::string>& value,
                           const std::string& help) {
  add_option(app_, name, value, "", help);
  return *this;
}

Command& Command::option(const std::string& name, std::optional<std::string>& value,
                         const std::string& unit, const std::string& help) {
  add_option(app_, name, value, unit, help);
  return *this;
}

Command& Command::option(const std::string& name, std::optional<std::int64_t>& value,
                         const std::string& unit, const std::string& help) {
  add_option(app_, name, value, unit, help);
  return *this;
}

Command& Command::option(const std::string& name, std::optional<double>& value,
                         const std::string& unit, const std::string& help) {
  add_option(app_, name, value, unit, help);
  return *this;
}

Command& Command::required_option(const std::string& name, std::string& value,
                                  const std::string& unit, const std::string& help) {
  add_option(app_, name, value, unit, help)->required();
  return *this;
}

Command& Command::repeatable(const std::string& name, std::vector<std::string>& values,
                             const std::string& unit, const std::string& help) {
  // One value each time: a positional argument that follows is not swallowed.
  add_option(app_, name, values, unit, help)->expected(1)->take_all()->allow_extra_args(false);
  return *this;
}

Command& Command::flag(const std::string& name, bool& value, const std::string& help) {
  app_.add_flag(name, value, help);
  return *this;
}

CommandLine::CommandLine(const std::string& tool, const std::string& description)
    : app_(std::make_unique<CLI::App>(description, tool)) {
  app_->require_subcommand(1);
  app_->set_version_flag("--version", tool + " " + kVersion);
}

CommandLine::~CommandLine() = default;

Command& CommandLine::add(const std::string& name, const std::string& help,
                          std::function<int()> run) {
  CLI::App* app = app_->add_subcommand(name, help);
  entries_.push_back(std::make_unique<Entry>(Entry{app, Command(*app), std::move(run)}));
  return entries_.back()->command;
}

int CommandLine::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print_line(app_->help());
    return 0;
  } catch (const CLI::CallForVersion& version) {
    print_line(version.what());
    return 0;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + " (--help lists what is understood)");
  }
  for (const auto& entry : entries_)
    if (entry->app->parsed()) return entry->run();
  throw InternalError("a command without code was parsed");
}

}  // namespace engine::tools
