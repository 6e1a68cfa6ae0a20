// From a graph to a program: each node becomes a problem, the tuner chooses its kernel, and memory
// is planned with the workspaces of the choices.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "engine/tune/tuner.h"
#include "graph/passes/pass.h"
#include "graph/program.h"

namespace engine::graph {

struct CompileOptions {
  std::set<std::string> passes_off;
  Math math = Math::strict;
  bool deterministic = false;
};

/// The problem that a node poses to kernels under `options`.
Problem make_problem(const Node& node, const CompileOptions& options);

/// Runs the step passes on `graph`, lowers it for `device` and plans memory. Nothing is allocated.
Program compile(Graph graph, Device& device, Tuner& tuner, const CompileOptions& options = {});

}  // namespace engine::graph
