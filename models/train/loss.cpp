#include "models/train/loss.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "engine/core/error.h"
#include "ops/accuracy.h"
#include "ops/binary_accuracy.h"
#include "ops/gather.h"
#include "ops/huber_loss.h"
#include "ops/mean_squared_error.h"
#include "ops/sigmoid_cross_entropy.h"
#include "ops/softmax_cross_entropy.h"

namespace engine {
namespace {

using graph::Value;

constexpr std::array<std::pair<Loss, const char*>, 4> kLosses{
    {{Loss::softmax_cross_entropy, "softmax_cross_entropy"},
     {Loss::sigmoid_cross_entropy, "sigmoid_cross_entropy"},
     {Loss::mean_squared_error, "mean_squared_error"},
     {Loss::huber_loss, "huber_loss"}}};

}  // namespace

std::string loss_name(Loss loss) {
  for (const auto& [value, name] : kLosses)
    if (value == loss) return name;
  throw InternalError("a loss outside its enumeration");
}

Loss loss_from_name(const std::string& name) {
  for (const auto& [value, known] : kLosses)
    if (name == known) return value;
  throw UsageError(fmt::format("no loss is called '{}'; expected one of: {}", name,
                               fmt::join(loss_names(), ", ")));
}

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const auto& [value, name] : kLosses) names.emplace_back(name);
  return names;
}

Scores emit_scores(graph::Graph& graph, const LossSettings& settings, Value* output, Value* targets,
                   Value* indices) {
  const Loss loss = settings.loss;
  const char* label = "feed/targets";
  if (loss == Loss::softmax_cross_entropy) {
    Value* labels = graph.apply(ops::gather_integers(), {targets, indices}, label);
    return {graph.apply(ops::softmax_cross_entropy(), {output, labels}, "loss"),
            graph.apply(ops::accuracy(), {output, labels}, "accuracy")};
  }
  Value* numbers = graph.apply(ops::gather_normalized({}), {targets, indices}, label);
  if (loss == Loss::mean_squared_error)
    return {graph.apply(ops::mean_squared_error(), {output, numbers}, "loss"), nullptr};
  if (loss == Loss::huber_loss)
    return {graph.apply(ops::huber_loss(settings.huber_delta), {output, numbers}, "loss"), nullptr};
  return {graph.apply(ops::sigmoid_cross_entropy(), {output, numbers}, "loss"),
          graph.apply(ops::binary_accuracy(), {output, numbers}, "accuracy"),
          static_cast<double>(output->type().shape.elements_after(0))};
}

TensorType targets_type(Loss loss, const TensorType& target, std::int64_t count) {
  const bool labels = target == TensorType{Shape{}, DType::u8};
  if (loss == Loss::softmax_cross_entropy) {
    if (!labels)
      throw UsageError(
          fmt::format("the loss {} takes a label for each observation, the data have {}",
                      loss_name(loss), target.to_string()));
    return {Shape{count}, DType::u8};
  }
  return {Shape{count, labels ? 1 : target.shape.element_count()}, target.dtype};
}

}  // namespace engine
