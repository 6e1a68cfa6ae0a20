// Layers that change the shape of an observation and nothing else.
#include <fmt/format.h>

#include <algorithm>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/movement.h"

namespace engine {
namespace {

graph::Value* emit_reshape(Builder& builder, graph::Value* x, const Shape& shape,
                           const std::string& label) {
  if (x->type().shape == shape) return x;
  return builder.graph().apply(ops::reshape(shape), {x}, label);
}

struct FlattenOptions {};

class FlattenLayer final : public LayerOf<FlattenLayer, FlattenOptions> {
 public:
  static constexpr const char* kType = "flatten";
  static OptionFields<FlattenOptions> fields() { return {}; }
  using LayerOf::LayerOf;
  std::string description() const override { return kType; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const Shape& shape = x->type().shape;
    return emit_reshape(builder, x, {shape[0], shape.elements_after(0)}, name());
  }
};

struct ReshapeOptions {
  std::vector<std::int64_t> shape;
};

class ReshapeLayer final : public LayerOf<ReshapeLayer, ReshapeOptions> {
 public:
  static constexpr const char* kType = "reshape";
  static OptionFields<ReshapeOptions> fields() {
    return {{"shape", &ReshapeOptions::shape, "of an observation; one -1 for what is left", true}};
  }

  ReshapeLayer(std::string name, ReshapeOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    const std::vector<std::int64_t>& shape = options_.shape;
    const bool sensible = std::all_of(shape.begin(), shape.end(), [](std::int64_t extent) {
      return extent >= -1 && extent != 0 && extent <= kMostElements;
    });
    if (!sensible || shape.empty() || shape.size() >= Shape::kMaxRank ||
        std::count(shape.begin(), shape.end(), -1) > 1)
      throw OptionError(
          "shape", shape,
          fmt::format("1 to {} extents of 1 or more, at most one of them -1", Shape::kMaxRank - 1));
  }

  std::string description() const override {
    return fmt::format("reshape {}", option_text(options_.shape));
  }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const std::int64_t wanted = x->type().shape.elements_after(0);
    std::vector<std::int64_t> extents = options_.shape;
    std::int64_t known = 1;
    for (std::int64_t extent : extents)
      if (extent > 0) known = checked_multiply(known, extent, "reshape");
    std::replace(extents.begin(), extents.end(), std::int64_t{-1}, wanted / known);
    const Shape observation(extents);
    if (observation.element_count() != wanted)
      throw ShapeError(
          fmt::format("{}: the input is {}, which has {} elements an observation, not "
                      "those of {}",
                      name(), x->type().to_string(), wanted, option_text(options_.shape)));
    extents.insert(extents.begin(), x->type().shape[0]);
    return emit_reshape(builder, x, Shape(extents), name());
  }

 private:
  static constexpr std::int64_t kMostElements = std::int64_t{1} << 31;
};

}  // namespace

Network& Network::flatten() {
  return append<FlattenLayer>({});
}

Network& Network::reshape(std::vector<std::int64_t> shape) {
  return append<ReshapeLayer>({std::move(shape)});
}

void register_shape_layers(LayerTypes& types) {
  types.add<FlattenLayer>("any shape to [batch, features]");
  types.add<ReshapeLayer>("the same elements in another shape");
}

}  // namespace engine
