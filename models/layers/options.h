// Named options bound to the members of a struct. One list of fields a struct serves whoever builds
// in C++ (who sets members), model files (read and written by name), and listings (names, defaults,
// meanings), so that all have the same options with the same defaults.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/core/error.h"
#include "models/layers/initializer.h"

namespace engine {

class Layer;
using LayerList = std::vector<std::shared_ptr<const Layer>>;

using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                                 std::vector<double>, Initializer, LayerList>;
using OptionValues = std::map<std::string, OptionValue>;

/// What kind of value an option takes: "an integer", "a number", …
std::string option_kind(const OptionValue& value);
/// As a model file has it: 512, 0.001, "relu", [784]; "2 layers" for a list of layers.
std::string option_text(const OptionValue& value);

/// An option without its struct.
struct OptionSpec {
  std::string name, meaning;
  OptionValue fallback;  ///< also says what kind of value it is
  bool required = false;
};

/// An option whose value makes no sense.
class OptionError : public UsageError {
 public:
  /// "'units' is -1, expected 1 or more"
  OptionError(std::string option, const OptionValue& value, const std::string& expected);
  OptionError(std::string option, const std::string& message)
      : UsageError(message), option_(std::move(option)) {}
  const std::string& option() const { return option_; }

 private:
  std::string option_;
};

template <class Owner>
struct OptionField {
  /// A member of Owner or of a base of it; T is one of OptionValue's types.
  template <class T, class Base>
  OptionField(std::string option, T Base::*member, std::string what, bool is_required = false)
      : name(std::move(option)),
        meaning(std::move(what)),
        required(is_required),
        get([member](const Owner& owner) { return OptionValue(owner.*member); }),
        set([member](Owner& owner, const OptionValue& value) {
          owner.*member = std::get<T>(value);
        }) {}

  std::string name, meaning;
  bool required;
  std::function<OptionValue(const Owner&)> get;
  std::function<void(Owner&, const OptionValue&)> set;
};
template <class Owner>
using OptionFields = std::vector<OptionField<Owner>>;

template <class Owner>
OptionValues get_options(const OptionFields<Owner>& fields, const Owner& owner) {
  OptionValues values;
  for (const OptionField<Owner>& field : fields) values.emplace(field.name, field.get(owner));
  return values;
}

template <class Owner>
std::vector<OptionSpec> option_specs(const OptionFields<Owner>& fields,
                                     const Owner& defaults = {}) {
  std::vector<OptionSpec> specs;
  for (const OptionField<Owner>& field : fields)
    specs.push_back({field.name, field.meaning, field.get(defaults), field.required});
  return specs;
}

/// `values` completed by defaults. Throws OptionError for a name that there is not, a value of
/// another kind (integers do for numbers), and a required option without a value.
OptionValues resolve_options(const std::vector<OptionSpec>& specs, const OptionValues& values);

/// Sets the members that `values` name, checked by resolve_options(); the others stay.
template <class Owner>
void set_options(const OptionFields<Owner>& fields, const OptionValues& values, Owner& owner) {
  const OptionValues resolved = resolve_options(option_specs(fields, owner), values);
  for (const OptionField<Owner>& field : fields) field.set(owner, resolved.at(field.name));
}

}  // namespace engine
