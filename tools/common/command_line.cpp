#include "tools/common/command_line.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <type_traits>

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

// Numbers are read here: CLI11 takes what overflows for the largest number there is.
template <class T>
void add_number(CLI::App& app, const std::string& name, std::optional<T>& value,
                const std::string& unit, const std::string& help) {
  const auto read = [name, &value](const std::string& text) {
    T number{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range)
      throw UsageError(name + " " + text + ": is out of range");
    if (error != std::errc{} || stop != end)
      throw UsageError(name + " " + text + ": expected " +
                       (std::is_integral_v<T> ? "a whole number" : "a number"));
    value = number;
  };
  app.add_option_function<std::string>(name, read, help)->type_name(unit);
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
  add_number(app_, name, value, unit, help);
  return *this;
}

Command& Command::option(const std::string& name, std::optional<double>& value,
                         const std::string& unit, const std::string& help) {
  add_number(app_, name, value, unit, help);
  return *this;
}

Command& Command::option_with_or_without(const std::string& name, std::optional<std::string>& value,
                                         const std::string& unit, const std::string& help) {
  const auto read = [&value](const std::string& text) { value = text; };
  app_.add_option_function<std::string>(name, read, help)->type_name(unit)->expected(0, 1);
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
  app_->require_subcommand(0, 1);
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
  std::string known;
  bool is_known = argc < 2 || argv[1][0] == '-';
  for (const auto& entry : entries_) {
    known += (known.empty() ? "" : ", ") + entry->app->get_name();
    is_known = is_known || entry->app->get_name() == argv[1];
  }
  if (!is_known)
    throw UsageError("no command is called '" + std::string(argv[1]) +
                     "'; expected one of: " + known);
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
  throw UsageError("a command is missing; expected one of: " + known);
}

}  // namespace engine::tools
