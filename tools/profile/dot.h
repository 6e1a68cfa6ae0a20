// A graph in the DOT language of Graphviz, with gradients and updates in colours of their own.
#pragma once

#include <string>

#include "graph/program.h"

namespace engine::tools {

enum class Detail {
  automatic,  ///< ops while they are few enough for one page, else layers
  /// A box an op, with its kernel and the states that it reads and writes; frames around layers;
  /// arrows with the values that they carry, red where a result takes an operand's memory.
  ops,
  /// Rows of layers (layer_rows.h) that list their ops: forward on the left from top to bottom,
  /// gradients beside them from bottom to top, and beside these what updates states.
  layers,
};

std::string to_dot(const graph::Graph& graph, Detail detail = Detail::automatic);
/// The same with the kernel chosen for each node; assignments that cost something are shown, too.
std::string to_dot(const graph::Program& program, Detail detail = Detail::automatic);

/// Lays `dot` out with Graphviz and returns the SVG; throws Error when it is not installed (naming
/// the package), fails, or is not done in a minute.
std::string render_dot(const std::string& dot);

}  // namespace engine::tools
