// A step's layers gathered into rows, few enough to be drawn. A layer with weights begins a row; an
// activation, normalization or pooling after it, and whatever else reads only what that row makes,
// joins it. Rows that follow one another and consist of the same ops on the same types with the
// same kernels, such as the blocks of a residual network's stage, are one row many times.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/profile/graph_boxes.h"

namespace engine::tools {

struct LayerRow {
  std::vector<std::string> layers;
  /// What is shown of them, by kind, in the order of the schedule. A row that updates states is all
  /// `update`.
  std::map<NodeKind, std::vector<const graph::Node*>> nodes;
  /// Rows like this one that are not there for it, in order: the layers of each.
  std::vector<std::vector<std::string>> alike;
};

struct LayerRows {
  std::vector<LayerRow> rows;  ///< as the forward pass meets them
  /// Every node shown, those of rows alike included.
  std::unordered_map<const graph::Node*, std::size_t> row_of;
};

LayerRows gather_layer_rows(const GraphBoxes& boxes);

}  // namespace engine::tools
