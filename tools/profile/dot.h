// A graph in the DOT language of Graphviz: layers as clusters, states as cylinders, gradients and
// updates in colours of their own, edges with the types that they carry.
#pragma once

#include <string>

#include "graph/program.h"

namespace engine::tools {

std::string to_dot(const graph::Graph& graph);
/// The same with the kernel chosen for each node, and assignments that cost nothing marked.
std::string to_dot(const graph::Program& program);

/// Lays `dot` out with Graphviz and returns the SVG; throws Error when it is not installed (naming
/// the package), or fails.
std::string render_dot(const std::string& dot);

}  // namespace engine::tools
