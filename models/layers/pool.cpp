// Pooling layers: over windows, and over all positions of an image, which leaves one number a
// channel.
#include "ops/pool.h"

#include <fmt/format.h>

#include <numeric>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "models/layers/window.h"
#include "ops/movement.h"
#include "ops/reduce.h"

namespace engine {
namespace {

// What both kinds have in common; Self::kType names the op, Self::make() makes it.
template <class Self>
class PoolLayer : public LayerOf<Self, PoolOptions> {
 public:
  static OptionFields<PoolOptions> fields() {
    using O = PoolOptions;
    return {{"window", &O::window, "extents; one number serves all dimensions", true},
            {"stride", &O::stride, "between positions of the window; [0]: the window's extents"},
            {"padding", &O::padding, kPaddingMeaning}};
  }

  PoolLayer(std::string name, PoolOptions options)
      : LayerOf<Self, PoolOptions>(std::move(name), std::move(options)) {
    check_extents("window", this->options_.window);
    if (this->options_.stride != kOwnStride) check_extents("stride", this->options_.stride);
    check_padding(this->options_.padding);
  }

  std::string description() const override {
    const PoolOptions& options = this->options_;
    std::string text = fmt::format("{} {}", Self::kType, print_extents(options.window));
    if (options.stride != kOwnStride) text += " stride " + print_extents(options.stride);
    return text + print_padding(options.padding);
  }

  bool takes_bf16() const override { return true; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const PoolOptions& options = this->options_;
    const int rank = expect_image_rank(this->name(), x->type());
    PoolAttributes pool;
    pool.extents = spatial_option(this->name(), "window", options.window, rank);
    pool.window =
        make_window(this->name(), options.stride == kOwnStride ? options.window : options.stride,
                    kOnes, options.padding, x->type().shape, pool.extents);
    return builder.graph().add(Self::make(pool), {x}, this->name()).output();
  }

 private:
  inline static const std::vector<std::int64_t> kOwnStride{0};
};

class MaxPoolLayer final : public PoolLayer<MaxPoolLayer> {
 public:
  static constexpr const char* kType = "max_pool";
  using PoolLayer::PoolLayer;
  static auto make(const PoolAttributes& pool) { return ops::max_pool(pool); }
};

class AveragePoolLayer final : public PoolLayer<AveragePoolLayer> {
 public:
  static constexpr const char* kType = "average_pool";
  using PoolLayer::PoolLayer;
  static auto make(const PoolAttributes& pool) { return ops::average_pool(pool); }
};

struct GlobalPoolOptions {};

class GlobalAveragePoolLayer final : public LayerOf<GlobalAveragePoolLayer, GlobalPoolOptions> {
 public:
  static constexpr const char* kType = "global_average_pool";
  static OptionFields<GlobalPoolOptions> fields() { return {}; }
  using LayerOf::LayerOf;
  std::string description() const override { return kType; }
  bool takes_bf16() const override { return true; }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const Shape& shape = x->type().shape;
    PoolAttributes pool;
    pool.window.rank = expect_image_rank(name(), x->type());
    pool.extents = spatial_extents(shape);
    graph::Value* y = builder.graph().apply(ops::average_pool(pool), {x}, name());
    return builder.graph().apply(ops::reshape({shape[0], shape[1]}), {builder.as_f32(y)},
                                 name() + "/flat");
  }
};

class GlobalMaxPoolLayer final : public LayerOf<GlobalMaxPoolLayer, GlobalPoolOptions> {
 public:
  static constexpr const char* kType = "global_max_pool";
  static OptionFields<GlobalPoolOptions> fields() { return {}; }
  using LayerOf::LayerOf;
  std::string description() const override { return kType; }

  // A reduction, because max_pool keeps no place in windows of more than 255 elements.
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    std::vector<int> axes(static_cast<std::size_t>(expect_image_rank(name(), x->type())));
    std::iota(axes.begin(), axes.end(), 2);
    return ops::reduce(builder.graph(), x, ReduceKind::max, axes, false, name());
  }
};

}  // namespace

Network& Network::max_pool(std::vector<std::int64_t> window, PoolOptions options) {
  options.window = std::move(window);
  return append<MaxPoolLayer>(std::move(options));
}

Network& Network::average_pool(std::vector<std::int64_t> window, PoolOptions options) {
  options.window = std::move(window);
  return append<AveragePoolLayer>(std::move(options));
}

Network& Network::global_max_pool() {
  return append<GlobalMaxPoolLayer>({});
}

Network& Network::global_average_pool() {
  return append<GlobalAveragePoolLayer>({});
}

void register_pool_layers(LayerTypes& types) {
  types.add<MaxPoolLayer>("the largest element of every window, over one to three dimensions");
  types.add<AveragePoolLayer>("the mean of every window, padding not counted");
  types.add<GlobalMaxPoolLayer>("the largest element of every channel");
  types.add<GlobalAveragePoolLayer>("the mean of every channel");
}

}  // namespace engine
