// The drawing of layers. Rows lie one below the other; gradients' arrows are told to Graphviz the
// other way round, so that a layer's gradients lie beside it. Arrows join boxes of the same row and
// of neighbours; what goes further (every gradient to the optimizer) is said in the box.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "graph/op.h"
#include "tools/common/format.h"
#include "tools/profile/dot_text.h"
#include "tools/profile/layer_rows.h"

namespace engine::tools {
namespace {

using graph::Node;
using graph::Value;

struct Box {
  std::size_t row;
  NodeKind kind;
  auto operator<=>(const Box&) const = default;
};

std::string name_of(const Box& box) {
  return fmt::format("{}_{}", kind_name(box.kind), box.row);
}

std::string amount_of(const std::set<const Value*>& values) {
  if (values.size() == 1) return (*values.begin())->type().to_string();
  double bytes = 0;
  for (const Value* value : values) bytes += static_cast<double>(value->type().bytes());
  return fmt::format("{} values, {}", values.size(), human_bytes(bytes));
}

std::string states_text(std::size_t count) {
  return fmt::format("{} state{}", count, count == 1 ? "" : "s");
}

class LayerDrawing {
 public:
  LayerDrawing(const graph::Graph& graph, const GraphBoxes& boxes)
      : graph_(graph), boxes_(boxes), rows_(gather_layer_rows(boxes)) {
    for (const Node* node : boxes_.shown())
      for (const Value* input : node->inputs())
        if (const Node& source = input->producer(); boxes_.is_shown(source))
          if (const Box from = box_of(source), to = box_of(*node); from != to)
            flows_[{from, to}].insert(input);
  }

  std::string write() {
    text_ = dot_begin(graph_.name());
    text_ += "  node [margin=\"0.06,0.04\"];\n  nodesep=0.9;\n  ranksep=0.45;\n";
    for (std::size_t row = 0; row < rows_.rows.size(); ++row) {
      text_ += "  { rank=same;\n";
      for (const auto& [kind, nodes] : rows_.rows[row].nodes) write_box({row, kind}, nodes);
      text_ += "  }\n";
    }
    for (const auto& [ends, values] : flows_)
      if (has_arrow(ends.first, ends.second)) write_arrow(ends.first, ends.second, values);
    return text_ + "}\n";
  }

 private:
  Box box_of(const Node& node) const {
    const std::size_t row = rows_.row_of.at(&node);
    const bool updates = rows_.rows[row].nodes.contains(NodeKind::update);
    return {row, updates ? NodeKind::update : boxes_.kind(node)};
  }

  static bool has_arrow(const Box& from, const Box& to) {
    const auto [low, high] = std::minmax(from.row, to.row);
    return high - low <= 1 && to.kind != NodeKind::update;
  }

  std::string title_of(const Box& box) const {
    const LayerRow& row = rows_.rows[box.row];
    const std::string& last = (row.alike.empty() ? row.layers : row.alike.back()).back();
    std::string title = dot_marked(row.layers.front());
    if (last != row.layers.front()) title += " … " + dot_marked(last);
    if (!row.alike.empty()) title += fmt::format(" ({} alike)", row.alike.size() + 1);
    if (box.kind == NodeKind::gradient) title += ": gradients";
    return "<b>" + title + "</b>";
  }

  static void add_cells(std::string& label, const std::vector<std::string>& cells) {
    label += "<tr>";
    for (const std::string& cell : cells)
      label += fmt::format(
          "<td align=\"left\"><font point-size=\"8\" color=\"#3c4043\">{}&#160;&#160;</font></td>",
          dot_marked(cell));
    label += "</tr>";
  }

  static void add_line(std::string& label, const std::string& markup) {
    label += fmt::format("<tr><td colspan=\"4\" align=\"left\">{}</td></tr>", markup);
  }

  // "to optimizer: 3 values, 1.2 MB" for what no arrow shows, and states that go in and out.
  void add_small_print(std::string& label, const Box& box,
                       const std::vector<const Node*>& nodes) const {
    const auto add = [&](const std::string& text) {
      add_line(label, fmt::format("<font point-size=\"8\" color=\"#5f6368\"><i>{}</i></font>",
                                  dot_marked(text)));
    };
    for (const auto& [ends, values] : flows_)
      if (ends.first == box && !has_arrow(ends.first, ends.second))
        add(fmt::format("to {}{}: {}", rows_.rows[ends.second.row].layers.front(),
                        ends.second.kind == NodeKind::gradient ? "'s gradients" : "",
                        amount_of(values)));
    std::set<std::string> read, written;
    for (const Node* node : nodes) {
      for (const Value* input : node->inputs())
        if (const Node& source = input->producer(); graph::is_state_read(source))
          read.insert(graph::state_name(source));
      for (std::size_t i = 0; i < node->output_count(); ++i)
        for (const Node* user : node->output(i)->uses())
          if (graph::is_state_assign(*user)) written.insert(graph::state_name(*user));
    }
    if (!read.empty()) add("reads " + states_text(read.size()));
    if (!written.empty()) add("writes " + states_text(written.size()));
  }

  // A label within its row: without the first layer's name, which the title has.
  std::string short_label(const Node& node, const LayerRow& row) const {
    const std::string& prefix = row.layers.front();
    if (layer_of(node) != prefix) return node.label();
    return node.label().size() > prefix.size() ? node.label().substr(prefix.size() + 1) : "";
  }

  static std::string type_of(const Node& node) {
    if (node.output_count() == 0) return "";
    return node.output()->type().to_string() + (node.output_count() > 1 ? ", …" : "");
  }

  void write_box(const Box& box, const std::vector<const Node*>& nodes) {
    std::string label = "<table border=\"0\" cellspacing=\"0\" cellpadding=\"1\">";
    add_line(label, title_of(box));
    for (const Node* node : nodes) {
      const graph::Step* step = boxes_.step(*node);
      add_cells(label, {node->op().name(), short_label(*node, rows_.rows[box.row]), type_of(*node),
                        step == nullptr ? "" : kernel_text(*step)});
    }
    add_small_print(label, box, nodes);
    text_ += fmt::format("    {} [label=<{}</table>> fillcolor=\"{}\" group={}];\n", name_of(box),
                         label, kind_colour(box.kind), kind_name(box.kind));
  }

  void write_arrow(const Box& from, const Box& to, const std::set<const Value*>& values) {
    const bool upwards = to.row < from.row;
    const bool column = from.kind == to.kind;
    text_ += fmt::format("  {} -> {} [label=\" {} \"{}{}];\n", name_of(upwards ? to : from),
                         name_of(upwards ? from : to), amount_of(values),
                         upwards ? " dir=back" : "", column ? " weight=20" : "");
  }

  const graph::Graph& graph_;
  const GraphBoxes& boxes_;
  const LayerRows rows_;
  std::map<std::pair<Box, Box>, std::set<const Value*>> flows_;
  std::string text_;
};

}  // namespace

std::string draw_layers(const graph::Graph& graph, const GraphBoxes& boxes) {
  return LayerDrawing(graph, boxes).write();
}

}  // namespace engine::tools
