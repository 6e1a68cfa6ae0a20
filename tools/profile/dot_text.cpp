#include "tools/profile/dot_text.h"

#include <fmt/format.h>

#include "models/draw/markup.h"
#include "tools/common/output.h"

namespace engine::tools {

std::string dot_quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : one_line(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string dot_marked(const std::string& text) {
  return escape_markup(one_line(text));
}

std::string dot_begin(const std::string& name) {
  return fmt::format("digraph {} {{\n", dot_quoted(name)) +
         "  graph [fontname=\"Helvetica\" fontsize=11 nodesep=0.3 ranksep=0.35];\n"
         "  node [fontname=\"Helvetica\" fontsize=10 shape=box style=\"rounded,filled\" "
         "color=\"#5f6368\"];\n"
         "  edge [fontname=\"Helvetica\" fontsize=8 color=\"#5f6368\" fontcolor=\"#5f6368\" "
         "arrowsize=0.6];\n";
}

std::string kernel_text(const graph::Step& step) {
  return step.candidate + (step.configuration.empty() ? "" : "/" + step.configuration);
}

}  // namespace engine::tools
