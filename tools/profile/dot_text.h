// What both kinds of drawings write DOT with.
#pragma once

#include <string>

#include "graph/program.h"

namespace engine::tools {

/// A string of the DOT language.
std::string dot_quoted(const std::string& text);
/// Text inside a label that has markup.
std::string dot_marked(const std::string& text);
/// "digraph NAME {" and how boxes and arrows look; a "}" ends it.
std::string dot_begin(const std::string& name);
/// The kernel of a step, "onednn.direct/plain".
std::string kernel_text(const graph::Step& step);

}  // namespace engine::tools
