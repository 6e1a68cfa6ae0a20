#include "graph/program.h"

#include <fmt/format.h>

namespace engine::graph {
namespace {

std::string print_operands(const std::vector<TensorType>& types,
                           const std::vector<Placement>& places) {
  std::string text;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (i > 0) text += ", ";
    text += types[i].to_string();
    text += places[i].state != nullptr ? fmt::format("@{}", *places[i].state)
                                       : fmt::format("@{}", places[i].offset);
  }
  return text;
}

}  // namespace

std::string Program::to_string() const {
  std::string text = fmt::format("program {}: {} steps, arena {} bytes\n", graph.name(),
                                 steps.size(), plan.arena_bytes);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    text += fmt::format("  {:3}  {} [{}{}{}] ({}) -> ({})", i, step.node->label(), step.candidate,
                        step.configuration.empty() ? "" : "/", step.configuration,
                        print_operands(step.input_types, step.inputs),
                        print_operands(step.output_types, step.outputs));
    if (step.workspace_bytes > 0)
      text += fmt::format(" workspace {}@{}", step.workspace_bytes, step.workspace_offset);
    text += '\n';
  }
  return text;
}

}  // namespace engine::graph
