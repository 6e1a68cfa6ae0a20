#include "tools/profile/dot.h"

#include "tools/profile/graph_boxes.h"

namespace engine::tools {
namespace {

// With more boxes arrows cross the page and each other.
constexpr std::size_t kMostOps = 24;

std::string draw(const graph::Graph& graph, const graph::Program* program, Detail detail) {
  const GraphBoxes boxes(graph, program);
  if (detail == Detail::automatic)
    detail = boxes.shown().size() > kMostOps ? Detail::layers : Detail::ops;
  return detail == Detail::ops ? draw_ops(graph, boxes) : draw_layers(graph, boxes);
}

}  // namespace

std::string to_dot(const graph::Graph& graph, Detail detail) {
  return draw(graph, nullptr, detail);
}

std::string to_dot(const graph::Program& program, Detail detail) {
  return draw(program.graph, &program, detail);
}

}  // namespace engine::tools
