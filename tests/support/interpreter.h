// Runs a graph with the references alone, in double: what every compiled program is held against,
// and the ground on which gradients are checked by finite differences.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/tune/reference.h"
#include "graph/ir.h"

namespace engine::test {

/// State by name; states that a graph reads and that are absent start at their fill.
using HostStates = std::map<std::string, ReferenceTensor>;

/// Executes every node in schedule order, updating `states` by the assignments; returns all values.
std::unordered_map<const graph::Value*, ReferenceTensor> interpret(const graph::Graph& graph,
                                                                   HostStates& states);

/// A tensor with these elements.
ReferenceTensor host_tensor(const TensorType& type, std::vector<double> values);
/// Uniform reals in [low, high), or integers when the dtype is one; deterministic in `seed`.
ReferenceTensor random_tensor(const TensorType& type, double low, double high, unsigned seed);

}  // namespace engine::test
