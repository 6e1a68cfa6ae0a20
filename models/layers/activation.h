// Element-wise functions as layers, and as the activation of other layers.
#pragma once

#include <string>
#include <vector>

#include "models/layers/builder.h"

namespace engine {

/// The activation that leaves everything as it is.
inline constexpr const char* kLinear = "linear";

/// Names that an option `activation` takes: "linear" and the element-wise functions of the table in
/// kernels/elementwise.h.
std::vector<std::string> activation_names();
/// Throws OptionError for `option` unless `function` is one of them.
void check_activation(const std::string& option, const std::string& function);
/// function(x), with the defaults of its options.
graph::Value* apply_activation(Builder& builder, const std::string& function, graph::Value* x,
                               const std::string& label);

}  // namespace engine
