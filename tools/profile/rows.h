// The algorithms of a compiled training step as rows: one for each layer, direction and
// configuration of a candidate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/tune/algorithm_cache.h"
#include "graph/program.h"
#include "tools/common/record.h"

namespace engine::tools {

struct AlgorithmRow {
  CandidateResult result;
  bool chosen = false;
  bool timed = false;  ///< whether result has a time
};

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
