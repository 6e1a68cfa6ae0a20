// What training minimizes, and the metrics that go with it.
#pragma once

#include <string>
#include <vector>

#include "engine/core/tensor.h"
#include "graph/ir.h"

namespace engine {

/// All are means over the batch.
enum class Loss {
  softmax_cross_entropy,  ///< logits [B, classes]; targets are labels below the classes
  sigmoid_cross_entropy,  ///< logits [B, K]; targets are K numbers in [0, 1], or labels 0 and 1
  mean_squared_error,     ///< predictions [B, K]; targets are K numbers, or labels as numbers
  huber_loss,             ///< the same operands; outliers count linearly, beyond a delta
};

std::string loss_name(Loss loss);
/// Throws UsageError naming the known ones.
Loss loss_from_name(const std::string& name);
std::vector<std::string> loss_names();

/// One batch's scores, emitted into a graph.
struct Scores {
  graph::Value* loss;  ///< f32 scalar
  /// i32 scalar, how many outputs are right: nullptr for a loss without such a thing.
  graph::Value* correct;
  double outputs = 1;  ///< that are counted for each observation
};

struct LossSettings {
  Loss loss;
  double huber_delta = 1;  ///< of huber_loss
};

/// Emits loss and metric of `output`, the network's, against the targets of the observations with
/// these `indices`: i32[B] into `targets`, a state of [count, …] read in the same graph. Throws
/// ShapeError when output and targets do not go together under the loss.
Scores emit_scores(graph::Graph& graph, const LossSettings& settings, graph::Value* output,
                   graph::Value* targets, graph::Value* indices);

/// The type of the state that holds `count` targets, each of the type `target`, for emit_scores().
/// Throws UsageError when the loss cannot do with them.
TensorType targets_type(Loss loss, const TensorType& target, std::int64_t count);

}  // namespace engine
