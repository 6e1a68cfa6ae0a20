#include "tools/profile/arena.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "engine/core/error.h"

namespace engine::tools {
namespace {

ArenaKind kind_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::gradient:
      return ArenaKind::gradient;
    case NodeKind::update:
      return ArenaKind::update;
    default:
      return ArenaKind::activation;
  }
}

// Positions in the schedule, which count every node, as indices of the program's steps. A node that
// is no launch (state that is read) counts with the launch after it, if there is one.
std::vector<std::size_t> steps_by_position(const graph::Program& program) {
  std::vector<std::size_t> steps;
  std::size_t next = 0;
  for (const auto& node : program.graph.nodes()) {
    steps.push_back(std::min(next, program.steps.size() - 1));
    if (next < program.steps.size() && program.steps[next].node == node.get()) ++next;
  }
  return steps;
}

// Values of the graph by the names that the plan knows them by.
std::unordered_map<std::string, const graph::Value*> values_by_name(const graph::Graph& graph) {
  std::unordered_map<std::string, const graph::Value*> values;
  for (const auto& node : graph.nodes())
    for (std::size_t i = 0; i < node->output_count(); ++i)
      values.emplace(node->output(i)->name(), node->output(i));
  return values;
}

void count_live(ArenaPlan& plan) {
  plan.live.assign(plan.steps.size(), 0);
  for (const ArenaValue& value : plan.values)
    for (std::size_t step = value.first_step; step <= value.last_step; ++step)
      plan.live.at(step) += value.bytes;
  plan.peak_step = static_cast<std::size_t>(std::max_element(plan.live.begin(), plan.live.end()) -
                                            plan.live.begin());
}

}  // namespace

const char* kind_name(ArenaKind kind) {
  switch (kind) {
    case ArenaKind::activation:
      return "activation";
    case ArenaKind::gradient:
      return "gradient";
    case ArenaKind::update:
      return "update";
    case ArenaKind::workspace:
      return "workspace";
  }
  throw InternalError("a kind of arena value outside its enumeration");
}

const char* kind_colour(ArenaKind kind) {
  switch (kind) {
    case ArenaKind::activation:
      return kind_colour(NodeKind::forward);
    case ArenaKind::gradient:
      return kind_colour(NodeKind::gradient);
    case ArenaKind::update:
      return kind_colour(NodeKind::update);
    case ArenaKind::workspace:
      return "#cdb8e8";
  }
  throw InternalError("a kind of arena value outside its enumeration");
}

std::size_t ArenaPlan::lower_bound() const {
  return live.empty() ? 0 : live[peak_step];
}

double ArenaPlan::fragmentation() const {
  if (arena_bytes == 0) return 0;
  return static_cast<double>(arena_bytes - lower_bound()) / static_cast<double>(arena_bytes);
}

ArenaPlan arena_plan(const graph::Program& program) {
  ArenaPlan plan;
  if (program.steps.empty()) return plan;
  plan.arena_bytes = program.plan.arena_bytes;
  for (const graph::Step& step : program.steps) plan.steps.push_back(step.node->label());
  const NodeKinds kinds(program.graph);
  const auto values = values_by_name(program.graph);
  const std::vector<std::size_t> steps = steps_by_position(program);
  for (const graph::Lifetime& lifetime : program.plan.lifetimes) {
    const std::size_t first = steps.at(static_cast<std::size_t>(lifetime.first_step));
    const std::size_t last = steps.at(static_cast<std::size_t>(lifetime.last_step));
    ArenaValue value{lifetime.what,  plan.steps.at(first), "",    ArenaKind::workspace,
                     lifetime.bytes, lifetime.offset,      first, last};
    if (const auto entry = values.find(lifetime.what); entry != values.end()) {
      const graph::Value& made = *entry->second;
      value.label = made.producer().label();
      value.type = made.type().to_string();
      value.kind = kind_of(kinds.of(made.producer()));
    }
    plan.values.push_back(std::move(value));
  }
  std::sort(plan.values.begin(), plan.values.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first_step, a.offset, a.name) < std::tie(b.first_step, b.offset, b.name);
  });
  count_live(plan);
  return plan;
}

}  // namespace engine::tools
