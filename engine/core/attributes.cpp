#include "engine/core/attributes.h"

#include <fmt/format.h>

#include <utility>

#include "engine/core/error.h"

namespace engine {

Attributes& Attributes::set(std::string_view name, AttributeValue value) {
  return insert(name, std::move(value), true);
}

Attributes& Attributes::set_untuned(std::string_view name, AttributeValue value) {
  return insert(name, std::move(value), false);
}

Attributes& Attributes::insert(std::string_view name, AttributeValue value, bool tuned) {
  for (Entry& entry : entries_)
    if (entry.name == name) {
      entry = {std::string(name), std::move(value), tuned};
      return *this;
    }
  entries_.push_back({std::string(name), std::move(value), tuned});
  return *this;
}

const Attributes::Entry* Attributes::find(std::string_view name) const {
  for (const Entry& entry : entries_)
    if (entry.name == name) return &entry;
  return nullptr;
}

template <class T>
const T& Attributes::get(std::string_view name) const {
  const Entry* entry = find(name);
  ENGINE_CHECK(entry != nullptr, fmt::format("no attribute '{}' in {{{}}}", name, to_string()));
  const T* value = std::get_if<T>(&entry->value);
  ENGINE_CHECK(value != nullptr, fmt::format("attribute '{}' is of another type", name));
  return *value;
}

std::int64_t Attributes::integer(std::string_view name) const {
  return get<std::int64_t>(name);
}
double Attributes::real(std::string_view name) const {
  return get<double>(name);
}
bool Attributes::flag(std::string_view name) const {
  return get<bool>(name);
}
const std::string& Attributes::text(std::string_view name) const {
  return get<std::string>(name);
}

std::string Attributes::print(bool only_tuned) const {
  std::string out;
  for (const Entry& entry : entries_) {
    if (only_tuned && !entry.tuned) continue;
    if (!out.empty()) out += ' ';
    std::visit([&](const auto& value) { out += fmt::format("{}={}", entry.name, value); },
               entry.value);
  }
  return out;
}

std::string Attributes::to_string() const {
  return print(false);
}
std::string Attributes::tuned_string() const {
  return print(true);
}

}  // namespace engine
