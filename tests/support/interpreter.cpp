#include "tests/support/interpreter.h"

#include <cmath>

#include "engine/core/rng.h"
#include "graph/op.h"

namespace engine::test {
namespace {

ReferenceTensor filled(const graph::State& state) {
  return host_tensor(
      state.type,
      std::vector<double>(static_cast<std::size_t>(state.type.element_count()), state.fill));
}

}  // namespace

std::unordered_map<const graph::Value*, ReferenceTensor> interpret(const graph::Graph& graph,
                                                                   HostStates& states) {
  std::unordered_map<const graph::Value*, ReferenceTensor> values;
  for (const auto& node : graph.nodes()) {
    if (graph::is_state_read(*node)) {
      const std::string& name = graph::state_name(*node);
      values[node->output()] = states.emplace(name, filled(*graph.find_state(name))).first->second;
    } else if (graph::is_state_assign(*node)) {
      states[graph::state_name(*node)] = values.at(node->input(0));
    } else {
      std::vector<ReferenceTensor> inputs;
      for (const graph::Value* input : node->inputs()) inputs.push_back(values.at(input));
      std::vector<ReferenceTensor> outputs = evaluate_reference(graph::make_problem(*node), inputs);
      for (std::size_t i = 0; i < outputs.size(); ++i)
        values[node->output(i)] = std::move(outputs[i]);
    }
  }
  return values;
}

ReferenceTensor host_tensor(const TensorType& type, std::vector<double> values) {
  ENGINE_CHECK(static_cast<std::int64_t>(values.size()) == type.element_count(),
               "as many elements as the type has");
  return {type, std::move(values), {}};
}

ReferenceTensor random_tensor(const TensorType& type, double low, double high, unsigned seed) {
  ReferenceTensor tensor{type, {}, {}};
  const RandomKey key = random_key(seed, "random_tensor");
  for (std::int64_t i = 0; i < type.element_count(); ++i) {
    const double u = uniform_from_word(random_word(key, 0, static_cast<std::uint64_t>(i)));
    const double value = low + (high - low) * u;
    tensor.values.push_back(is_floating(type.dtype) ? value : std::floor(value));
  }
  return tensor;
}

}  // namespace engine::test
