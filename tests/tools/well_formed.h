// Whether markup is well-formed: enough of XML's grammar for what the tools write.
#pragma once

#include <string>

namespace engine {

/// What is wrong with `text` and where, or "": elements nest, attributes are quoted and distinct,
/// nothing but markup looks like markup.
std::string why_not_well_formed(const std::string& text);

}  // namespace engine
