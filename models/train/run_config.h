// The resolved configuration of a run: every option with the value it had, so that a run folder can
// be evaluated, resumed and compared without the command line that made it. A flat JSON object on
// disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace engine {

using ConfigValue = std::variant<bool, std::int64_t, double, std::string>;

class RunConfig {
 public:
  RunConfig() = default;
  /// Parses config.json; `where` begins the message of the DataError for anything but a flat object
  /// of booleans, 64-bit integers, numbers and text.
  static RunConfig from_json(const std::string& text, const std::string& where);
  /// Indented, keys in order, the same for the same values. Text that is not UTF-8 (a path may be
  /// any bytes) has its stray bytes replaced. Throws UsageError for a number that is not finite.
  std::string to_json() const;

  RunConfig& set(const std::string& key, ConfigValue value);
  bool has(const std::string& key) const { return values_.count(key) != 0; }
  /// Throw DataError naming the key when it is missing or of another type; real() takes integers
  /// too.
  bool flag(const std::string& key) const;
  std::int64_t integer(const std::string& key) const;
  double real(const std::string& key) const;
  const std::string& text(const std::string& key) const;

  const ConfigValue& value(const std::string& key) const;

  bool operator==(const RunConfig& other) const { return values_ == other.values_; }

 private:
  template <class T>
  const T& get(const std::string& key, const char* expected) const;

  std::string where_ = "configuration";
  std::map<std::string, ConfigValue> values_;
};

}  // namespace engine
