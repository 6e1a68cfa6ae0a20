#include "tools/profile/dot.h"

#include <fmt/format.h>

#include <map>
#include <unordered_map>
#include <vector>

#include "graph/op.h"
#include "tools/common/output.h"
#include "tools/profile/node_kind.h"

namespace engine::tools {
namespace {

using graph::Node;

constexpr const char* kInPlace = "#c62828";

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : one_line(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// Lines of a label, the last of them without an end.
std::string quoted(const std::vector<std::string>& lines) {
  std::string result;
  for (const std::string& line : lines) {
    const std::string text = quoted(line);
    result += (result.empty() ? "" : "\\n") + text.substr(1, text.size() - 2);
  }
  return '"' + result + '"';
}

class Writer {
 public:
  Writer(const graph::Graph& graph, const graph::Program* program) : graph_(graph), kinds_(graph) {
    if (program == nullptr) return;
    is_compiled_ = true;
    for (const graph::Step& step : program->steps) steps_.emplace(step.node, &step);
  }

  std::string write() {
    // Without newrank dot gives up on layers that hold both ends of the step.
    text_ = fmt::format("digraph {} {{\n", quoted(graph_.name()));
    text_ +=
        "  graph [newrank=true fontname=\"Helvetica\" fontsize=12 nodesep=0.25 ranksep=0.45];\n"
        "  node [fontname=\"Helvetica\" fontsize=10 shape=box style=\"rounded,filled\" "
        "color=\"#5f6368\"];\n"
        "  edge [fontname=\"Helvetica\" fontsize=8 color=\"#5f6368\" fontcolor=\"#5f6368\" "
        "arrowsize=0.6];\n";
    std::map<std::string, std::vector<const Node*>> layers;
    for (const auto& node : graph_.nodes()) layers[layer_of(*node)].push_back(node.get());
    int number = 0;
    for (const auto& [layer, nodes] : layers) write_layer(number++, layer, nodes);
    for (const auto& node : graph_.nodes())
      for (std::size_t i = 0; i < node->inputs().size(); ++i) write_edge(*node, i);
    return text_ + "}\n";
  }

 private:
  void write_layer(int number, const std::string& layer, const std::vector<const Node*>& nodes) {
    text_ += fmt::format(
        "  subgraph cluster_{} {{\n    label={};\n    style=rounded;\n    color=\"#bdc1c6\";\n",
        number, quoted(layer));
    for (const Node* node : nodes) write_node(*node);
    text_ += "  }\n";
  }

  // The part of a label behind its layer says what the node is for.
  static std::string purpose(const Node& node) {
    const std::string layer = layer_of(node);
    return node.label() == layer ? "" : node.label().substr(layer.size() + 1);
  }

  void write_node(const Node& node) {
    std::vector<std::string> lines;
    if (graph::is_state_read(node)) {
      lines = {graph::state_name(node), node.output()->type().to_string()};
    } else if (graph::is_state_assign(node)) {
      lines = {"assign", graph::state_name(node)};
      if (is_compiled_ && !steps_.contains(&node)) lines.push_back("(computed in place)");
    } else {
      lines = {node.op().name()};
      if (const std::string what = purpose(node); !what.empty()) lines.push_back(what);
    }
    if (const auto step = steps_.find(&node); step != steps_.end()) {
      const std::string& configuration = step->second->configuration;
      lines.push_back(step->second->candidate + (configuration.empty() ? "" : "/" + configuration));
    }
    const bool is_state = graph::is_state_read(node) || graph::is_state_assign(node);
    text_ +=
        fmt::format("    n{} [label={}{} fillcolor=\"{}\" tooltip={}];\n", node.id(), quoted(lines),
                    is_state ? " shape=cylinder style=filled" : "", kind_colour(kinds_.of(node)),
                    quoted(node.op().name() + " {" + node.op().attributes().to_string() + "}"));
  }

  void write_edge(const Node& node, std::size_t i) {
    const graph::Value& value = *node.input(i);
    bool in_place = false;
    for (int source : node.in_place()) in_place = in_place || source == static_cast<int>(i);
    const std::string label = value.name() + " " + value.type().to_string();
    text_ += fmt::format(
        "  n{} -> n{} [label={}{}];\n", value.producer().id(), node.id(),
        quoted(in_place ? std::vector<std::string>{label, "in place"} : std::vector{label}),
        in_place ? fmt::format(" color=\"{0}\" fontcolor=\"{0}\" style=bold", kInPlace) : "");
  }

  const graph::Graph& graph_;
  const NodeKinds kinds_;
  bool is_compiled_ = false;
  std::unordered_map<const Node*, const graph::Step*> steps_;
  std::string text_;
};

}  // namespace

std::string to_dot(const graph::Graph& graph) {
  return Writer(graph, nullptr).write();
}

std::string to_dot(const graph::Program& program) {
  return Writer(program.graph, &program).write();
}

}  // namespace engine::tools
