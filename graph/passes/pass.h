// Rewrites of a graph, each with a name, a switch and a count of what it changed.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "graph/ir.h"

namespace engine::graph {

/// When a pass runs: on the forward graph before gradients exist, or on the whole step.
enum class Stage { forward, step };

struct Pass {
  std::string name;         ///< what --no-pass takes: "common-subexpressions"
  std::string description;  ///< a line for people
  Stage stage = Stage::step;
  int order = 0;  ///< passes of a stage run by ascending order
  /// Rewrites the graph; returns a line for each rewrite.
  std::function<std::vector<std::string>(Graph&)> run;
};

struct PassReport {
  std::string pass;
  bool enabled = true;
  std::vector<std::string> rewrites;
};

/// The passes that exist: the generic ones, and those that ops bring.
class PassRegistry {
 public:
  static PassRegistry& global();
  void add(Pass pass);  ///< Throws UsageError for a name that is taken.
  const std::vector<Pass>& passes() const { return passes_; }

 private:
  std::vector<Pass> passes_;
};

/// Runs the passes of `stage` but for those named in `off`, verifying the graph after each. Throws
/// UsageError for a name in `off` that no pass has.
std::vector<PassReport> run_passes(Graph& graph, Stage stage,
                                   const std::set<std::string>& off = {});

// The generic passes, in the order they run.
Pass common_subexpressions_pass();
Pass dead_code_pass();
Pass in_place_pass();

}  // namespace engine::graph
