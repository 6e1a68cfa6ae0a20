#include "tools/profile/layer_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "graph/op.h"
#include "tools/profile/dot_text.h"

namespace engine::tools {
namespace {

using graph::Node;

struct LayerNodes {
  std::string name;
  std::vector<const Node*> nodes;
};

std::vector<LayerNodes> layers_in_order(const GraphBoxes& boxes) {
  std::vector<LayerNodes> layers;
  std::unordered_map<std::string, std::size_t> places;
  for (const Node* node : boxes.shown()) {
    const std::string name = layer_of(*node);
    if (places.emplace(name, layers.size()).second) layers.push_back({name, {}});
    layers[places.at(name)].nodes.push_back(node);
  }
  return layers;
}

bool has_weights(const LayerNodes& layer) {
  for (const Node* node : layer.nodes)
    for (const graph::Value* input : node->inputs())
      if (const Node& source = input->producer();
          graph::is_state_read(source) && input->type().shape.rank() > 1 &&
          graph::state_name(source).starts_with(layer.name + "/"))
        return true;
  return false;
}

class Gatherer {
 public:
  explicit Gatherer(const GraphBoxes& boxes) : boxes_(boxes) {
    for (const Node* node : boxes.shown()) places_.emplace(node, places_.size());
    for (const LayerNodes& layer : layers_in_order(boxes)) add(layer);
    for (LayerRow& row : all_.rows) sort(row);
  }

  LayerRows fold() {
    LayerRows folded;
    std::vector<std::size_t> places;
    std::string last;
    for (LayerRow& row : all_.rows) {
      const std::string signature = signature_of(row);
      if (!folded.rows.empty() && signature == last)
        folded.rows.back().alike.push_back(row.layers);
      else
        folded.rows.push_back(std::move(row));
      places.push_back(folded.rows.size() - 1);
      last = signature;
    }
    for (const auto& [node, row] : all_.row_of) folded.row_of.emplace(node, places[row]);
    return folded;
  }

 private:
  // The rows whose values the forward pass of a layer takes, its own aside.
  std::set<std::size_t> sources_of(const LayerNodes& layer) const {
    std::set<std::size_t> sources;
    for (const Node* node : layer.nodes) {
      if (boxes_.kind(*node) != NodeKind::forward) continue;
      for (const graph::Value* input : node->inputs())
        if (const auto row = all_.row_of.find(&input->producer()); row != all_.row_of.end())
          sources.insert(row->second);
    }
    return sources;
  }

  void add(const LayerNodes& layer) {
    std::set<std::size_t> sources = sources_of(layer);
    std::vector<LayerRow>& rows = all_.rows;
    const bool joins = !sources.empty() && !has_weights(layer) &&
                       (sources == std::set{rows.size() - 1} || sources == last_sources_);
    if (!joins) {
      rows.emplace_back();
      last_sources_ = std::move(sources);
    }
    rows.back().layers.push_back(layer.name);
    for (const Node* node : layer.nodes) {
      all_.row_of.emplace(node, rows.size() - 1);
      rows.back().nodes[boxes_.kind(*node)].push_back(node);
    }
  }

  // Gradients of a row's layers come in the order of the schedule, not layer by layer.
  void sort(LayerRow& row) const {
    if (row.nodes.contains(NodeKind::update)) {
      std::vector<const Node*> all;
      for (const auto& [kind, nodes] : row.nodes) all.insert(all.end(), nodes.begin(), nodes.end());
      row.nodes = {{NodeKind::update, std::move(all)}};
    }
    for (auto& [kind, nodes] : row.nodes)
      std::sort(nodes.begin(), nodes.end(),
                [&](const Node* a, const Node* b) { return places_.at(a) < places_.at(b); });
  }

  // Equal for rows whose boxes tell the same but for the layers' names.
  std::string signature_of(const LayerRow& row) const {
    std::string text;
    for (const auto& [kind, nodes] : row.nodes)
      for (const Node* node : nodes) {
        const std::string layer = layer_of(*node);
        const auto place = std::find(row.layers.begin(), row.layers.end(), layer);
        text += fmt::format("{} {}{} {}", kind_name(kind), place - row.layers.begin(),
                            node->label().substr(layer.size()), node->op().name());
        for (const graph::Value* input : node->inputs()) text += " " + input->type().to_string();
        for (std::size_t i = 0; i < node->output_count(); ++i)
          text += " " + node->output(i)->type().to_string();
        if (const graph::Step* step = boxes_.step(*node)) text += " " + kernel_text(*step);
        text += '\n';
      }
    return text;
  }

  const GraphBoxes& boxes_;
  std::unordered_map<const Node*, std::size_t> places_;  // in the schedule
  LayerRows all_;
  std::set<std::size_t> last_sources_;  // of the last row's first layer
};

}  // namespace

LayerRows gather_layer_rows(const GraphBoxes& boxes) {
  return Gatherer(boxes).fold();
}

}  // namespace engine::tools
