// The drawing of ops, in the order of the schedule.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

#include "graph/op.h"
#include "tools/profile/dot_text.h"
#include "tools/profile/graph_boxes.h"

namespace engine::tools {
namespace {

using graph::Node;
using Lines = std::vector<std::string>;

constexpr const char* kInPlace = "#c62828";
constexpr std::size_t kMostStates = 4;  // named in a box; of more, the number is given

class OpDrawing {
 public:
  OpDrawing(const graph::Graph& graph, const GraphBoxes& boxes) : graph_(graph), boxes_(boxes) {}

  std::string write() {
    text_ = dot_begin(graph_.name());
    std::vector<const Node*> group;
    for (const Node* node : boxes_.shown()) {
      if (!group.empty() && !belong_together(*group.back(), *node)) write_group(group);
      group.push_back(node);
    }
    write_group(group);
    for (const Node* node : boxes_.shown()) write_edges(*node);
    return text_ + "}\n";
  }

 private:
  bool belong_together(const Node& a, const Node& b) const {
    return layer_of(a) == layer_of(b) && boxes_.kind(a) == boxes_.kind(b);
  }

  // A frame around what a layer does one after the other, forward or for its gradients.
  void write_group(std::vector<const Node*>& nodes) {
    const bool framed = nodes.size() > 1;
    if (framed)
      text_ += fmt::format(
          "  subgraph cluster_{} {{\n    label={};\n    style=rounded;\n    color=\"#bdc1c6\";\n",
          frames_++, dot_quoted(layer_of(*nodes.front())));
    for (const Node* node : nodes) write_node(*node);
    if (framed) text_ += "  }\n";
    nodes.clear();
  }

  // A state of the node's own layer without the layer.
  static std::string short_name(const std::string& state, const Node& node) {
    const std::string prefix = layer_of(node) + "/";
    return state.starts_with(prefix) ? state.substr(prefix.size()) : state;
  }

  static void add_states(Lines& lines, const char* verb, const Lines& names) {
    if (names.size() > kMostStates)
      lines.push_back(fmt::format("{} {} states", verb, names.size()));
    else
      for (const std::string& name : names) lines.push_back(fmt::format("{} {}", verb, name));
  }

  Lines small_print(const Node& node) const {
    Lines lines, read, written;
    if (const graph::Step* step = boxes_.step(node)) lines.push_back(kernel_text(*step));
    for (const graph::Value* input : node.inputs())
      if (const Node& source = input->producer(); graph::is_state_read(source))
        read.push_back(fmt::format("{} {}", short_name(graph::state_name(source), node),
                                   input->type().to_string()));
    for (std::size_t i = 0; i < node.output_count(); ++i)
      for (const Node* user : node.output(i)->uses())
        if (graph::is_state_assign(*user) && !boxes_.is_shown(*user))
          written.push_back(short_name(graph::state_name(*user), node));
    add_states(lines, "reads", read);
    add_states(lines, "writes", written);
    return lines;
  }

  void write_node(const Node& node) {
    const bool copies = graph::is_state_assign(node);
    std::string label = fmt::format("<b>{}</b>", dot_marked(copies ? "assign" : node.op().name()));
    label += "<br/>" + dot_marked(copies ? graph::state_name(node) : node.label());
    for (const std::string& line : small_print(node))
      label +=
          fmt::format("<br/><font point-size=\"8\" color=\"#3c4043\">{}</font>", dot_marked(line));
    text_ +=
        fmt::format("    n{} [label=<{}>{} fillcolor=\"{}\" tooltip={}];\n", node.id(), label,
                    copies ? " shape=cylinder style=filled" : "", kind_colour(boxes_.kind(node)),
                    dot_quoted(node.op().name() + " {" + node.op().attributes().to_string() + "}"));
  }

  // One arrow from each node whose results this one takes.
  void write_edges(const Node& node) {
    struct Edge {
      Lines values;
      bool in_place = false;
    };
    std::map<int, Edge> edges;
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      const graph::Value& value = *node.input(i);
      if (graph::is_state_read(value.producer())) continue;
      Edge& edge = edges[value.producer().id()];
      edge.values.push_back(value.name() + " " + value.type().to_string());
      for (int source : node.in_place()) edge.in_place |= source == static_cast<int>(i);
    }
    for (auto& [source, edge] : edges) {
      if (edge.in_place) edge.values.push_back("in place");
      text_ += fmt::format(
          "  n{} -> n{} [label=\"{}\"{}];\n", source, node.id(), fmt::join(edge.values, "\\n"),
          edge.in_place ? fmt::format(" color=\"{0}\" fontcolor=\"{0}\" style=bold", kInPlace)
                        : "");
    }
  }

  const graph::Graph& graph_;
  const GraphBoxes& boxes_;
  std::string text_;
  int frames_ = 0;
};

}  // namespace

std::string draw_ops(const graph::Graph& graph, const GraphBoxes& boxes) {
  return OpDrawing(graph, boxes).write();
}

}  // namespace engine::tools
