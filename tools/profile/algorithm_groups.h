// The algorithms of a compiled training step: for each layer and direction, every configuration of
// every candidate.
#pragma once

#include <string>
#include <vector>

#include "graph/program.h"
#include "tools/profile/algorithm_rows.h"

namespace engine::tools {

/// One layer in one direction.
struct AlgorithmGroup {
  std::string layer;      ///< "dense_1"
  std::string direction;  ///< "forward", "backward_data" or "backward_filter"
  std::string problem;    ///< its key
  std::vector<AlgorithmRow> rows;
};

/// In the order of the program's steps, without those that are no product. A problem without a
/// record had one possible configuration: the step's own, which is its only row.
std::vector<AlgorithmGroup> algorithm_groups(const graph::Program& program,
                                             const std::vector<TuningRecord>& records);

Record to_record(const AlgorithmGroup& group, const AlgorithmRow& row);

}  // namespace engine::tools
