#include "tools/profile/dot.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <unordered_map>
#include <vector>

#include "graph/op.h"
#include "models/draw/markup.h"
#include "tools/common/output.h"
#include "tools/profile/node_kind.h"

namespace engine::tools {
namespace {

using graph::Node;
using Lines = std::vector<std::string>;

constexpr const char* kInPlace = "#c62828";
constexpr std::size_t kMostStates = 4;  // named in a box; of more, the number is given

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : one_line(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// Text inside a label that has markup.
std::string marked(const std::string& text) {
  return escape_markup(one_line(text));
}

class Writer {
 public:
  Writer(const graph::Graph& graph, const graph::Program* program) : graph_(graph), kinds_(graph) {
    if (program == nullptr) return;
    for (const graph::Step& step : program->steps) steps_.emplace(step.node, &step);
  }

  std::string write() {
    text_ = fmt::format("digraph {} {{\n", quoted(graph_.name()));
    text_ +=
        "  graph [fontname=\"Helvetica\" fontsize=11 nodesep=0.3 ranksep=0.35];\n"
        "  node [fontname=\"Helvetica\" fontsize=10 shape=box style=\"rounded,filled\" "
        "color=\"#5f6368\"];\n"
        "  edge [fontname=\"Helvetica\" fontsize=8 color=\"#5f6368\" fontcolor=\"#5f6368\" "
        "arrowsize=0.6];\n";
    std::vector<const Node*> group;
    for (const auto& node : graph_.nodes()) {
      if (!has_box(*node)) continue;
      if (!group.empty() && !belong_together(*group.back(), *node)) write_group(group);
      group.push_back(node.get());
    }
    write_group(group);
    for (const auto& node : graph_.nodes())
      if (has_box(*node)) write_edges(*node);
    return text_ + "}\n";
  }

 private:
  // States are lines in the boxes of the nodes that read and write them; an assignment that copies
  // is a box of its own.
  bool has_box(const Node& node) const {
    if (graph::is_state_read(node)) return false;
    return !graph::is_state_assign(node) || steps_.contains(&node) ||
           graph::is_state_read(node.input(0)->producer());
  }

  bool belong_together(const Node& a, const Node& b) const {
    return layer_of(a) == layer_of(b) && kinds_.of(a) == kinds_.of(b);
  }

  // A frame around what a layer does one after the other, forward or for its gradients.
  void write_group(std::vector<const Node*>& nodes) {
    const bool framed = nodes.size() > 1;
    if (framed)
      text_ += fmt::format(
          "  subgraph cluster_{} {{\n    label={};\n    style=rounded;\n    color=\"#bdc1c6\";\n",
          frames_++, quoted(layer_of(*nodes.front())));
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
    if (const auto step = steps_.find(&node); step != steps_.end()) {
      const std::string& configuration = step->second->configuration;
      lines.push_back(step->second->candidate + (configuration.empty() ? "" : "/" + configuration));
    }
    for (const graph::Value* input : node.inputs())
      if (const Node& source = input->producer(); graph::is_state_read(source))
        read.push_back(fmt::format("{} {}", short_name(graph::state_name(source), node),
                                   input->type().to_string()));
    for (std::size_t i = 0; i < node.output_count(); ++i)
      for (const Node* user : node.output(i)->uses())
        if (graph::is_state_assign(*user) && !has_box(*user))
          written.push_back(short_name(graph::state_name(*user), node));
    add_states(lines, "reads", read);
    add_states(lines, "writes", written);
    return lines;
  }

  void write_node(const Node& node) {
    const bool copies = graph::is_state_assign(node);
    std::string label = fmt::format("<b>{}</b>", marked(copies ? "assign" : node.op().name()));
    label += "<br/>" + marked(copies ? graph::state_name(node) : node.label());
    for (const std::string& line : small_print(node))
      label += fmt::format("<br/><font point-size=\"8\" color=\"#3c4043\">{}</font>", marked(line));
    text_ +=
        fmt::format("    n{} [label=<{}>{} fillcolor=\"{}\" tooltip={}];\n", node.id(), label,
                    copies ? " shape=cylinder style=filled" : "", kind_colour(kinds_.of(node)),
                    quoted(node.op().name() + " {" + node.op().attributes().to_string() + "}"));
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
  const NodeKinds kinds_;
  std::unordered_map<const Node*, const graph::Step*> steps_;
  std::string text_;
  int frames_ = 0;
};

}  // namespace

std::string to_dot(const graph::Graph& graph) {
  return Writer(graph, nullptr).write();
}

std::string to_dot(const graph::Program& program) {
  return Writer(program.graph, &program).write();
}

}  // namespace engine::tools
