// A graph in the DOT language of Graphviz: a box an op, with its kernel and the states that it
// reads and writes; frames around layers; gradients and updates in colours of their own; arrows
// with the values that they carry, red where a result takes an operand's memory.
#pragma once

#include <string>

#include "graph/program.h"

namespace engine::tools {

std::string to_dot(const graph::Graph& graph);
/// The same with the kernel chosen for each node; assignments that cost something are boxes, too.
std::string to_dot(const graph::Program& program);

/// Lays `dot` out with Graphviz and returns the SVG; throws Error when it is not installed (naming
/// the package), or fails.
std::string render_dot(const std::string& dot);

}  // namespace engine::tools
