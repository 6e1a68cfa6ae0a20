#include "tools/common/optimizer_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace engine::tools {
namespace {

template <class T>
void assign(T& setting, const std::optional<T>& option) {
  if (option) setting = *option;
}

}  // namespace

void OptimizerOptions::declare(Command& command) {
  command
      .option("--optimizer", name, "NAME",
              fmt::format("instead of the model's own: {}", fmt::join(optimizer_names(), ", ")))
      .option("--lr", learning_rate, "X", "learning rate")
      .option("--schedule", schedule, "S",
              "of the learning rate: constant, step:EPOCHS:FACTOR, cosine[:FLOOR], "
              "exponential:FACTOR, decay:D or plateau:PATIENCE:FACTOR, each with [+warmup:STEPS]")
      .option("--momentum", momentum, "X", "of sgd (default 0)")
      .flag("--nesterov", nesterov, "sgd with Nesterov's momentum")
      .option("--weight-decay", weight_decay, "X", "decoupled in adamw, else added to gradients")
      .option("--clip-norm", clip_norm, "X", "largest norm of all gradients together")
      .option("--clip-value", clip_value, "X", "largest absolute value of a gradient's element")
      .option("--accumulate", accumulate, "K", "update once in K steps, by their mean gradient");
}

void OptimizerOptions::apply(OptimizerSettings& settings) const {
  if (name && *name != settings.name) settings = default_optimizer(*name);
  assign(settings.learning_rate, learning_rate);
  assign(settings.momentum, momentum);
  assign(settings.weight_decay, weight_decay);
  assign(settings.clip_norm, clip_norm);
  assign(settings.clip_value, clip_value);
  assign(settings.accumulate, accumulate);
  if (nesterov) settings.nesterov = true;
  if (schedule) settings.schedule = parse_schedule(*schedule);
}

}  // namespace engine::tools
