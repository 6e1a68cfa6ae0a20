// The printable parameters of an op: an ordered list of named values. The graph prints them, common
// subexpressions compare them, and problem keys are made of them, so an op has no hidden
// parameters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace engine {

using AttributeValue = std::variant<std::int64_t, double, bool, std::string>;

class Attributes {
 public:
  /// Sets a value that may decide which kernel is fastest: it is part of the problem's key.
  Attributes& set(std::string_view name, AttributeValue value);
  /// Sets a value that cannot (a seed, a learning constant): it stays out of the key.
  Attributes& set_untuned(std::string_view name, AttributeValue value);

  /// The value called `name`; throws InternalError when it is missing or of another type.
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  bool flag(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool empty() const { return entries_.empty(); }

  std::string to_string() const;     ///< "units=512 rate=0.2": every entry
  std::string tuned_string() const;  ///< the entries that belong to the key
  bool operator==(const Attributes&) const = default;

 private:
  struct Entry {
    std::string name;
    AttributeValue value;
    bool tuned;
    bool operator==(const Entry&) const = default;
  };
  const Entry* find(std::string_view name) const;
  template <class T>
  const T& get(std::string_view name) const;
  Attributes& insert(std::string_view name, AttributeValue value, bool tuned);
  std::string print(bool only_tuned) const;

  std::vector<Entry> entries_;
};

}  // namespace engine
