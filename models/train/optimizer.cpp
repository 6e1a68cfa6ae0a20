#include "models/train/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/core/error.h"
#include "models/layers/options.h"
#include "ops/accumulate_gradients.h"
#include "ops/adadelta.h"
#include "ops/adagrad.h"
#include "ops/adam.h"
#include "ops/gradient_scale.h"
#include "ops/learning_rate.h"
#include "ops/rmsprop.h"
#include "ops/sgd.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;
using OpPointer = std::shared_ptr<const graph::Op>;
using Names = std::vector<std::string>;

// What one optimizer adds to the common frame: its usual constants, those that it has and others
// have not, moments and op.
struct Rule {
  OptimizerSettings defaults;
  std::string_view constants;  // options, none a part of another
  Names (*moments)(const OptimizerSettings&);
  OpPointer (*op)(const OptimizerSettings&, const ops::OptimizerFrame&);
};

Names mean_square(const OptimizerSettings&) {
  return {"mean_square"};
}
Names two_means(const OptimizerSettings&) {
  return {"mean", "mean_square"};
}
OpPointer adam(const OptimizerSettings& s, const ops::OptimizerFrame& frame) {
  return ops::adam(frame, {s.beta1, s.beta2, s.epsilon, s.weight_decay, s.name == "adamw"});
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {{.name = "adadelta", .learning_rate = 1, .rho = 0.9, .epsilon = 1e-6},
       "--rho, --epsilon",
       [](const OptimizerSettings&) {
         return Names{"mean_square", "mean_square_update"};
       },
       [](const OptimizerSettings& s, const ops::OptimizerFrame& frame) {
         return ops::adadelta(frame, {s.rho, s.epsilon, s.weight_decay});
       }},
      {{.name = "adagrad", .learning_rate = 0.01, .epsilon = 1e-10},
       "--epsilon",
       [](const OptimizerSettings&) { return Names{"sum_of_squares"}; },
       [](const OptimizerSettings& s, const ops::OptimizerFrame& frame) {
         return ops::adagrad(frame, {s.epsilon, s.weight_decay});
       }},
      {{.name = "adam", .learning_rate = 1e-3, .epsilon = 1e-8},
       "--beta1, --beta2, --epsilon",
       two_means,
       adam},
      {{.name = "adamw", .learning_rate = 1e-3, .epsilon = 1e-8, .weight_decay = 0.01},
       "--beta1, --beta2, --epsilon",
       two_means,
       adam},
      {{.name = "rmsprop", .learning_rate = 1e-3, .rho = 0.9, .epsilon = 1e-7},
       "--rho, --epsilon",
       mean_square,
       [](const OptimizerSettings& s, const ops::OptimizerFrame& frame) {
         return ops::rmsprop(frame, {s.rho, s.epsilon, s.weight_decay});
       }},
      {{.name = "sgd", .learning_rate = 0.01},
       "--momentum, --nesterov",
       [](const OptimizerSettings& s) { return s.momentum > 0 ? Names{"velocity"} : Names{}; },
       [](const OptimizerSettings& s, const ops::OptimizerFrame& frame) {
         return ops::sgd(frame, {s.momentum, s.nesterov, s.weight_decay});
       }},
  };
  return all;
}

const Rule& find_rule(const std::string& name) {
  const auto rule = std::find_if(rules().begin(), rules().end(),
                                 [&](const Rule& r) { return r.defaults.name == name; });
  if (rule == rules().end())
    throw UsageError(fmt::format("no optimizer is called '{}'; expected one of: {}", name,
                                 fmt::join(optimizer_names(), ", ")));
  return *rule;
}

// What a model file calls the constant behind an option of the command line.
std::string key_of(std::string option) {
  if (option == "--lr") return "learning_rate";
  std::replace(option.begin(), option.end(), '-', '_');
  return option.substr(2);
}

void require(bool holds, const std::string& option, double value, std::string_view range) {
  if (!holds)
    throw OptionError(key_of(option), fmt::format("{} {}, expected {}", option, value, range));
}

// A constant that the optimizer has not would be without effect, unnoticed.
void require_no_other_constants(const OptimizerSettings& s, const Rule& rule) {
  const OptimizerSettings& usual = rule.defaults;
  const std::pair<const char*, bool> changed[] = {{"--momentum", s.momentum != usual.momentum},
                                                  {"--nesterov", s.nesterov != usual.nesterov},
                                                  {"--rho", s.rho != usual.rho},
                                                  {"--beta1", s.beta1 != usual.beta1},
                                                  {"--beta2", s.beta2 != usual.beta2},
                                                  {"--epsilon", s.epsilon != usual.epsilon}};
  for (const auto& [option, is_changed] : changed)
    if (is_changed && rule.constants.find(option) == std::string_view::npos)
      throw OptionError(key_of(option), fmt::format("{}: {} has none, expected {} with it", option,
                                                    s.name, rule.constants));
}

Value* emit_learning_rate(graph::Graph& graph, const OptimizerSettings& settings, Value* step) {
  Value* base =
      graph.read({kLearningRate, {{}, DType::f32}, StateRole::optimizer, settings.learning_rate});
  const LearningRateAttributes schedule =
      in_updates(settings.schedule, settings.length, settings.accumulate);
  if (schedule.curve == RateCurve::constant && schedule.warmup == 0) return base;
  return graph.apply(ops::learning_rate(schedule), {base, step}, "optimizer/schedule");
}

Value* emit_scale(graph::Graph& graph, const GradientScaleAttributes& attributes, Value* step,
                  Value* guard, const std::vector<Value*>& gradients) {
  std::vector<Value*> operands{step};
  if (guard != nullptr) operands.push_back(guard);
  operands.insert(operands.end(), gradients.begin(), gradients.end());
  return graph.apply(ops::gradient_scale(attributes), operands, "optimizer/gradient_scale");
}

// Replaces the gradients by their sums over the steps of an update so far.
void emit_sums(graph::Graph& graph, const std::vector<GradientPair>& pairs, std::int64_t every,
               Value* step, Value* predicate, std::vector<Value*>& gradients) {
  std::vector<State> sums;
  std::vector<Value*> operands{step, predicate};
  for (const GradientPair& pair : pairs) {
    sums.push_back(
        {pair.parameter.name + "/gradient_sum", pair.parameter.type, StateRole::optimizer});
    operands.push_back(graph.read(sums.back()));
  }
  operands.insert(operands.end(), gradients.begin(), gradients.end());
  graph::Node& node =
      graph.add(ops::accumulate_gradients(pairs.size(), every), operands, "optimizer/accumulate");
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    graph.assign(sums[k], node.output(k));
    gradients[k] = node.output(k);
  }
}

}  // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Rule& rule : rules()) names.push_back(rule.defaults.name);
  return names;
}

OptimizerSettings default_optimizer(const std::string& name) {
  return find_rule(name).defaults;
}

void validate(const OptimizerSettings& s) {
  const Rule& rule = find_rule(s.name);
  const auto fraction = [](double value) { return value >= 0 && value < 1; };
  const auto at_least_0 = [](double value) { return value >= 0 && value < 1e6; };
  require(s.learning_rate > 0 && s.learning_rate < 1e6, "--lr", s.learning_rate,
          "a positive number");
  require(fraction(s.momentum), "--momentum", s.momentum, "one in [0, 1)");
  if (s.nesterov && s.momentum == 0)
    throw OptionError("nesterov",
                      "--nesterov with momentum 0, expected --momentum above 0 with it");
  require(fraction(s.rho), "--rho", s.rho, "one in [0, 1)");
  require(fraction(s.beta1), "--beta1", s.beta1, "one in [0, 1)");
  require(fraction(s.beta2), "--beta2", s.beta2, "one in [0, 1)");
  require(s.epsilon > 0 && s.epsilon < 1e6, "--epsilon", s.epsilon, "a positive number");
  require(at_least_0(s.weight_decay), "--weight-decay", s.weight_decay, "a number from 0 up");
  require(at_least_0(s.clip_norm), "--clip-norm", s.clip_norm, "a number from 0 up");
  require(at_least_0(s.clip_value), "--clip-value", s.clip_value, "a number from 0 up");
  if (s.accumulate < 1 || s.accumulate > (1 << 20))
    throw OptionError("accumulate", fmt::format("--accumulate {}, expected a number from 1 to {}",
                                                s.accumulate, 1 << 20));
  require_no_other_constants(s, rule);
}

double scheduled_learning_rate(const OptimizerSettings& settings, double base, std::int64_t step) {
  return scheduled_rate(in_updates(settings.schedule, settings.length, settings.accumulate), base,
                        step);
}

graph::Value* emit_optimizer(graph::Graph& graph, const OptimizerSettings& settings,
                             const std::vector<GradientPair>& pairs, Value* step, Value* loss) {
  validate(settings);
  const Rule& rule = find_rule(settings.name);
  const std::int64_t every = settings.accumulate;
  std::vector<Value*> gradients;
  for (const GradientPair& pair : pairs) gradients.push_back(pair.gradient);
  GradientScaleAttributes attributes{pairs.size(), loss == nullptr ? 0u : 1u, 0, 1};
  Value* guard = loss;
  if (every > 1) {
    guard = emit_scale(graph, attributes, step, guard, gradients);
    emit_sums(graph, pairs, every, step, guard, gradients);
    attributes.guards = 1;
  }
  attributes.clip_norm = settings.clip_norm;
  attributes.every = every;
  Value* scale = emit_scale(graph, attributes, step, guard, gradients);

  // Operands and results in the order of kernels/multi_tensor.h; states[i] takes result i.
  std::vector<Value*> operands{emit_learning_rate(graph, settings, step), scale, step};
  std::vector<State> states;
  for (const GradientPair& pair : pairs) {
    operands.push_back(pair.value);
    states.push_back(pair.parameter);
  }
  operands.insert(operands.end(), gradients.begin(), gradients.end());
  for (const std::string& moment : rule.moments(settings))
    for (const GradientPair& pair : pairs) {
      states.push_back(
          {pair.parameter.name + "/" + moment, pair.parameter.type, StateRole::optimizer});
      operands.push_back(graph.read(states.back()));
    }
  graph::Node& update = graph.add(rule.op(settings, {pairs.size(), settings.clip_value, every}),
                                  operands, "optimizer");
  for (std::size_t i = 0; i < states.size(); ++i) graph.assign(states[i], update.output(i));
  return scale;
}

}  // namespace engine
