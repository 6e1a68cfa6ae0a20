// Optimizers: each is one multi-tensor node that updates all parameters, behind the nodes that make
// an update safe (is every gradient finite?), clipped, averaged over several steps, and scheduled.
#pragma once

#include <string>
#include <vector>

#include "graph/ir.h"
#include "models/train/schedule.h"

namespace engine {

/// The choice and constants of an optimizer; those that it has not keep their usual values.
struct OptimizerSettings {
  std::string name = "sgd";
  double learning_rate = 0.01;
  double momentum = 0;          ///< sgd
  double rho = 0.9;             ///< rmsprop, adadelta
  double epsilon = 1e-7;        ///< all but sgd
  bool nesterov = false;        ///< sgd with momentum
  double beta1 = 0.9;           ///< adam, adamw
  double beta2 = 0.999;         ///< adam, adamw
  double weight_decay = 0;      ///< added to the gradient; adamw: decoupled from it
  double clip_norm = 0;         ///< largest norm of all gradients together; 0: any
  double clip_value = 0;        ///< largest |element| of a gradient, after clip_norm; 0: any
  std::int64_t accumulate = 1;  ///< steps whose gradients are averaged into one update
  ScheduleSettings schedule = {};
  TrainingLength length = {};  ///< of the run; set by whoever knows the data, not by the user
};

/// Names that settings may have.
std::vector<std::string> optimizer_names();
/// The usual constants of the optimizer called `name`: those of PyTorch, but Keras' for rmsprop.
/// Throws UsageError naming the known ones.
OptimizerSettings default_optimizer(const std::string& name);
/// Throws UsageError naming the option that is out of range and its range, or a constant that the
/// optimizer has not, or an unknown name.
void validate(const OptimizerSettings& settings);

/// State f32[]: the base that schedules multiply.
inline constexpr const char* kLearningRate = "optimizer/learning_rate";
/// The learning rate of the update at `step`, for a base as the state has it.
double scheduled_learning_rate(const OptimizerSettings& settings, double base, std::int64_t step);

/// A parameter with its gradient in the same graph.
struct GradientPair {
  graph::State parameter;
  graph::Value* value;
  graph::Value* gradient;
};

/// Emits the update of every pair at the end of `graph`, and its assignments. `step` (i64 scalar)
/// counts the steps before this one; `loss` (f32 scalar, or nullptr) must be finite, too.
///
/// Returns the predicate of the step, f32[]: NaN when the loss or a gradient is not finite. Then
/// parameters, moments and the sums of earlier gradients keep their bits, and whatever else the
/// step would change (counters, metrics, running statistics) should be given the predicate, too. A
/// step that is bad in the middle of an accumulation adds nothing to its update; where it is the
/// last one, there is no update. (0 is a good step that only accumulates.)
///
/// States: kLearningRate, moments "<parameter>/<moment>", and sums "<parameter>/gradient_sum".
/// Throws as validate() does.
graph::Value* emit_optimizer(graph::Graph& graph, const OptimizerSettings& settings,
                             const std::vector<GradientPair>& pairs, graph::Value* step,
                             graph::Value* loss = nullptr);

}  // namespace engine
