// Pooling layers.
#include "ops/pool.h"

#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "models/layers/window.h"

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
    if (options.padding != kValid) text += " " + options.padding;
    return text;
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

}  // namespace

Network& Network::max_pool(std::vector<std::int64_t> window, PoolOptions options) {
  options.window = std::move(window);
  return append<MaxPoolLayer>(std::move(options));
}

Network& Network::average_pool(std::vector<std::int64_t> window, PoolOptions options) {
  options.window = std::move(window);
  return append<AveragePoolLayer>(std::move(options));
}

void register_pool_layers(LayerTypes& types) {
  types.add<MaxPoolLayer>("the largest element of every window, over one to three dimensions");
  types.add<AveragePoolLayer>("the mean of every window, padding not counted");
}

}  // namespace engine
