// Text of unknown origin inside XML and HTML.
#pragma once

#include <string>
#include <string_view>

namespace engine {

/// `text` as content of an element or of an attribute in double quotes: markup is escaped, and what
/// XML cannot carry (control characters, stray bytes) becomes '?'.
std::string escape_markup(std::string_view text);

}  // namespace engine
