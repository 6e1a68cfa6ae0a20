#include "graph/compile.h"

#include "graph/op.h"

namespace engine::graph {
namespace {

Step lower(const Node& node, Tuner& tuner, const CompileOptions& options) {
  Step step;
  step.node = &node;
  const Problem problem = make_problem(node, options);
  step.input_types = problem.inputs;
  step.output_types = problem.outputs;
  step.flops = node.op().flops(node);
  step.bytes = node.op().bytes(node);
  step.problem = problem.key();
  Choice choice = tuner.choose(problem);
  step.kernel = std::move(choice.kernel);
  step.candidate = std::move(choice.candidate);
  step.configuration = std::move(choice.configuration);
  step.workspace_bytes = choice.workspace;
  return step;
}

// An assignment is a copy, unless its value was computed in the state's own buffer.
void lower_assignment(const Node& node, Program& program) {
  const State& state = *program.graph.find_state(state_name(node));
  const Placement& source = program.plan.placements.at(node.input(0));
  if (source.state != nullptr && *source.state == state.name) return;
  Step step;
  step.node = &node;
  step.problem = "copy";
  step.candidate = "copy";
  step.input_types = step.output_types = {state.type};
  step.inputs = {source};
  step.outputs = {{&state.name, 0}};
  step.bytes = 2 * state.type.bytes();
  program.steps.push_back(std::move(step));
}

}  // namespace

Problem make_problem(const Node& node, const CompileOptions& options) {
  Problem problem = make_problem(node);
  problem.math = options.math;
  problem.deterministic = options.deterministic;
  return problem;
}

Program compile(Graph graph, Device& device, Tuner& tuner, const CompileOptions& options) {
  Program program{std::move(graph), {}, {}, {}};
  program.passes = run_passes(program.graph, Stage::step, options.passes_off);

  std::unordered_map<const Node*, Step> lowered;
  std::unordered_map<const Node*, std::size_t> workspace;
  for (const auto& node : program.graph.nodes()) {
    if (is_state_read(*node) || is_state_assign(*node)) continue;
    Step step = lower(*node, tuner, options);
    workspace[node.get()] = step.workspace_bytes;
    lowered.emplace(node.get(), std::move(step));
  }
  program.plan = plan_memory(program.graph, workspace, device.alignment());

  for (const auto& node : program.graph.nodes()) {
    if (is_state_assign(*node)) lower_assignment(*node, program);
    auto entry = lowered.find(node.get());
    if (entry == lowered.end()) continue;
    Step step = std::move(entry->second);
    for (const Value* input : node->inputs())
      step.inputs.push_back(program.plan.placements.at(input));
    for (std::size_t i = 0; i < node->output_count(); ++i)
      step.outputs.push_back(program.plan.placements.at(node->output(i)));
    if (step.workspace_bytes > 0) step.workspace_offset = program.plan.workspaces.at(node.get());
    program.steps.push_back(std::move(step));
  }
  return program;
}

}  // namespace engine::graph
