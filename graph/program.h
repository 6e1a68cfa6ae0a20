// A compiled graph: kernels in order with their operands' places. A program only launches; it is
// bound to buffers by an executor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/tune/candidate.h"
#include "graph/memory_plan.h"
#include "graph/passes/pass.h"

namespace engine::graph {

/// One launch. A step without a kernel copies its only input to its only output.
struct Step {
  const Node* node;
  std::unique_ptr<Kernel> kernel;
  std::string problem, candidate, configuration;
  std::vector<TensorType> input_types, output_types;
  std::vector<Placement> inputs, outputs;
  std::size_t workspace_offset = 0, workspace_bytes = 0;
  double flops = 0;
  std::size_t bytes = 0;  ///< that it must read and write
};

struct Program {
  Graph graph;
  std::vector<Step> steps;
  MemoryPlan plan;
  std::vector<PassReport> passes;

  /// A line a step: node, candidate, types, places.
  std::string to_string() const;
};

}  // namespace engine::graph
