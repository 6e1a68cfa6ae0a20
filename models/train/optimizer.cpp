#include "models/train/optimizer.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>

#include "engine/core/error.h"
#include "ops/rmsprop.h"
#include "ops/sgd.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;

// What one optimizer adds to the common frame: its moments and its op.
struct Rule {
  std::function<std::vector<std::string>(const OptimizerSettings&)> moments;
  std::function<std::shared_ptr<const graph::Op>(const OptimizerSettings&, std::size_t count)> op;
};

const std::map<std::string, Rule>& rules() {
  static const std::map<std::string, Rule> all{
      {"rmsprop",
       {[](const OptimizerSettings&) { return std::vector<std::string>{"mean_square"}; },
        [](const OptimizerSettings& s, std::size_t count) {
          return ops::rmsprop(count, s.rho, s.epsilon);
        }}},
      {"sgd",
       {[](const OptimizerSettings& s) {
          return s.momentum > 0 ? std::vector<std::string>{"velocity"} : std::vector<std::string>{};
        },
        [](const OptimizerSettings& s, std::size_t count) { return ops::sgd(count, s.momentum); }}},
  };
  return all;
}

void check(const OptimizerSettings& s) {
  if (!(s.learning_rate > 0 && s.learning_rate < 1e6))
    throw UsageError(fmt::format("learning rate {}, expected a positive number", s.learning_rate));
  if (!(s.momentum >= 0 && s.momentum < 1))
    throw UsageError(fmt::format("momentum {}, expected one in [0, 1)", s.momentum));
  if (!(s.rho >= 0 && s.rho < 1))
    throw UsageError(fmt::format("rho {}, expected one in [0, 1)", s.rho));
  if (!(s.epsilon > 0))
    throw UsageError(fmt::format("epsilon {}, expected a positive one", s.epsilon));
}

}  // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const auto& [name, rule] : rules()) names.push_back(name);
  return names;
}

void emit_optimizer(graph::Graph& graph, const OptimizerSettings& settings,
                    const std::vector<GradientPair>& pairs) {
  auto rule = rules().find(settings.name);
  if (rule == rules().end())
    throw UsageError(fmt::format("no optimizer is called '{}'; expected one of: {}", settings.name,
                                 fmt::join(optimizer_names(), ", ")));
  check(settings);

  // Operands and results in the order of kernels/optimizer.h; states[i] takes result i.
  std::vector<Value*> operands{graph.read(
      {"optimizer/learning_rate", {{}, DType::f32}, StateRole::optimizer, settings.learning_rate})};
  std::vector<State> states;
  for (const GradientPair& pair : pairs) {
    operands.push_back(pair.value);
    states.push_back(pair.parameter);
  }
  for (const GradientPair& pair : pairs) operands.push_back(pair.gradient);
  for (const std::string& moment : rule->second.moments(settings))
    for (const GradientPair& pair : pairs) {
      states.push_back(
          {pair.parameter.name + "/" + moment, pair.parameter.type, StateRole::optimizer});
      operands.push_back(graph.read(states.back()));
    }
  graph::Node& update = graph.add(rule->second.op(settings, pairs.size()), operands, "optimizer");
  for (std::size_t i = 0; i < states.size(); ++i) graph.assign(states[i], update.output(i));
}

}  // namespace engine
