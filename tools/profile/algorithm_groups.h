// The algorithms of a compiled training step: for each layer and direction, every configuration of
// every candidate.
#pragma once

#include <string>
#include <vector>

#include "tools/profile/algorithm_rows.h"
#include "tools/profile/workload.h"

namespace engine::tools {

/// One layer in one direction.
struct AlgorithmGroup {
  std::string layer;      ///< "dense_1", "residual_2/convolution_1"
  std::string direction;  ///< "forward", "backward_data", "backward_filter"; "backward"
  std::string problem;    ///< its key
  std::vector<AlgorithmRow> rows;
};

/// Layers in the order of the network, their directions in that of the names above. A problem that
/// only one configuration can solve was not tuned: its rows have no times.
std::vector<AlgorithmGroup> algorithm_groups(Workload& workload);

Record to_record(const AlgorithmGroup& group, const AlgorithmRow& row);

/// What the choices of all groups gain together, in microseconds of the kernels timed alone.
struct TotalGain {
  double chosen = 0, heuristic = 0;                  ///< of groups with times
  double chosen_beside_direct = 0, direct = 0;       ///< of those that have a direct algorithm
  std::size_t problems = 0, timed = 0, refused = 0;  ///< configurations, of distinct problems
};
TotalGain total_gain(const std::vector<AlgorithmGroup>& groups);

}  // namespace engine::tools
