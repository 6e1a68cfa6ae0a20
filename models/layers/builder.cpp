#include "models/layers/builder.h"

namespace engine {

graph::Value* Builder::parameter(const std::string& name, const Shape& shape,
                                 Initializer initializer, std::int64_t fan_in,
                                 std::int64_t fan_out) {
  const graph::State state{name, {shape, DType::f32}, graph::StateRole::parameter};
  graph::Value* value = graph_.read(state);
  parameters_.push_back({state, initializer, fan_in, fan_out, value});
  return value;
}

}  // namespace engine
