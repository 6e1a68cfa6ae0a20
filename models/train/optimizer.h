// Optimizers: each emits one multi-tensor node that updates all parameters, and the assignments.
#pragma once

#include <string>
#include <vector>

#include "graph/ir.h"

namespace engine {

/// The choice and constants of an optimizer; fields that one does not use are ignored.
struct OptimizerSettings {
  std::string name = "sgd";
  double learning_rate = 0.01;
  double momentum = 0;
  double rho = 0.9;
  double epsilon = 1e-7;
};

/// A parameter with its gradient in the same graph.
struct GradientPair {
  graph::State parameter;
  graph::Value* value;
  graph::Value* gradient;
};

/// Names accepted by emit_optimizer.
std::vector<std::string> optimizer_names();

/// Emits the update of every pair at the end of `graph`: moments are states "<parameter>/<moment>",
/// the learning rate is the state "optimizer/learning_rate". Throws UsageError for an unknown name
/// or constants out of range.
void emit_optimizer(graph::Graph& graph, const OptimizerSettings& settings,
                    const std::vector<GradientPair>& pairs);

}  // namespace engine
