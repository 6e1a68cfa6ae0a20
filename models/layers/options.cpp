#include "models/layers/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace engine {
namespace {

struct ToText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const {
    // A number that looks like an integer is written so that it is read as a number again.
    const std::string text = fmt::format("{}", value);
    return text.find_first_of(".einf") == std::string::npos ? text + ".0" : text;
  }
  std::string operator()(const std::string& value) const {
    std::string text = "\"";
    for (char c : value) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\')
        (text += '\\') += c;
      else if (code < 0x20 || code == 0x7F)
        text += fmt::format("\\u{:04X}", code);
      else
        text += c;
    }
    return text + '"';
  }
  std::string operator()(const std::vector<std::int64_t>& value) const {
    return fmt::format("[{}]", fmt::join(value, ", "));
  }
  std::string operator()(const std::vector<double>& value) const {
    std::string text;
    for (double number : value) text += (text.empty() ? "" : ", ") + (*this)(number);
    return '[' + text + ']';
  }
  std::string operator()(const Initializer& value) const { return (*this)(value.to_string()); }
  std::string operator()(const LayerList& value) const {
    return fmt::format("{} layers", value.size());
  }
};

/// `value` as the kind of `like`.
OptionValue convert(const OptionSpec& spec, const OptionValue& value) {
  if (value.index() == spec.fallback.index()) return value;
  const auto* whole = std::get_if<std::int64_t>(&value);
  if (whole != nullptr && std::holds_alternative<double>(spec.fallback))
    return static_cast<double>(*whole);
  const auto* integers = std::get_if<std::vector<std::int64_t>>(&value);
  if (integers != nullptr && std::holds_alternative<std::vector<double>>(spec.fallback))
    return std::vector<double>(integers->begin(), integers->end());
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && std::holds_alternative<Initializer>(spec.fallback)) {
    try {
      return Initializer::parse(*text);
    } catch (const UsageError& error) {
      throw OptionError(spec.name, fmt::format("'{}': {}", spec.name, error.what()));
    }
  }
  throw OptionError(spec.name, value, option_kind(spec.fallback));
}

}  // namespace

std::string option_kind(const OptionValue& value) {
  static const std::array<const char*, std::variant_size_v<OptionValue>> kinds{
      "true or false",
      "an integer",
      "a number",
      "text",
      "a list of integers",
      "a list of numbers",
      "an initializer's name",
      "a list of layers"};
  return kinds.at(value.index());
}

std::string option_text(const OptionValue& value) {
  return std::visit(ToText{}, value);
}

OptionError::OptionError(std::string option, const OptionValue& value, const std::string& expected)
    : OptionError(option,
                  fmt::format("'{}' is {}, expected {}", option, option_text(value), expected)) {}

OptionValues resolve_options(const std::vector<OptionSpec>& specs, const OptionValues& values) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : specs) names.push_back(spec.name);
  for (const auto& [name, value] : values)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw OptionError(
          name, fmt::format("there is no option '{}', expected {}", name,
                            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  OptionValues resolved;
  for (const OptionSpec& spec : specs) {
    const auto given = values.find(spec.name);
    if (given == values.end() && spec.required)
      throw OptionError("",
                        fmt::format("'{}' is missing: {}", spec.name, option_kind(spec.fallback)));
    resolved.emplace(spec.name,
                     given == values.end() ? spec.fallback : convert(spec, given->second));
  }
  return resolved;
}

}  // namespace engine
