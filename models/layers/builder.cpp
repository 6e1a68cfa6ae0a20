#include "models/layers/builder.h"

#include "engine/core/error.h"
#include "ops/cast.h"

namespace engine {
namespace {

graph::Value* cast_to(graph::Graph& graph, DType dtype, graph::Value* x) {
  if (x->type().dtype == dtype) return x;
  return graph.apply(ops::cast(dtype), {x},
                     x->producer().label() + "/" + std::string(dtype_name(dtype)));
}

}  // namespace

graph::Value* Builder::as_activation(graph::Value* x) {
  return cast_to(graph_, activations_, x);
}

graph::Value* Builder::as_f32(graph::Value* x) {
  return cast_to(graph_, DType::f32, x);
}

graph::Value* Builder::parameter(const std::string& name, const Shape& shape,
                                 Initializer initializer, std::int64_t fan_in,
                                 std::int64_t fan_out) {
  const graph::State state{name, {shape, DType::f32}, graph::StateRole::parameter};
  graph::Value* value = graph_.read(state);
  parameters_.push_back({state, initializer, fan_in, fan_out, value});
  return value;
}

graph::Value* Builder::bias(const std::string& layer, std::int64_t size, bool trained,
                            Initializer initializer, std::int64_t fan_in, std::int64_t fan_out) {
  if (trained) return parameter(layer + "/bias", {size}, initializer, fan_in, fan_out);
  return graph_.read({layer + "/no_bias", {{size}, DType::f32}, graph::StateRole::constant});
}

graph::Value* Builder::statistic(const std::string& name, const Shape& shape, double fill) {
  return graph_.read({name, {shape, DType::f32}, graph::StateRole::statistic, fill});
}

void Builder::update_statistic(const std::string& name, graph::Value* running, graph::Value* batch,
                               double momentum) {
  const graph::State* state = graph_.find_state(name);
  ENGINE_CHECK(state != nullptr && batch->type() == state->type,
               "a statistic that is declared, and a batch value of its type");
  statistic_updates_.push_back({*state, running, batch, momentum});
}

}  // namespace engine
