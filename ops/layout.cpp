// What conversion between layouts means, and where it is put: see channels_last.h.
#include "ops/layout.h"

#include <fmt/format.h>

#include "ops/channels_last.h"
#include "ops/expect.h"
#include "ops/registry.h"

namespace engine::ops {
namespace {

class ToLayoutOp final : public graph::Op {
 public:
  explicit ToLayoutOp(Layout layout)
      : Op("to_layout", Attributes().set("layout", std::string(layout_name(layout)))),
        layout_(layout) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect_real(inputs[0], inputs[0].shape.rank(), "the input");
    if (inputs[0].shape.rank() < 3)
      throw ShapeError(fmt::format("the input is {}, expected [batch, channels, ...] of rank 3 on",
                                   inputs[0].to_string()));
    return {{inputs[0].shape, inputs[0].dtype, layout_}};
  }
  std::vector<graph::Value*> gradient(const graph::GradientContext& context) const override {
    return {context.graph.apply(to_layout(context.node.input(0)->type().layout),
                                {context.output_gradients[0]}, context.node.label() + "/gradient")};
  }
  bool any_layout(std::size_t) const override { return true; }

 private:
  Layout layout_;
};

}  // namespace

std::shared_ptr<const graph::Op> to_layout(Layout layout) {
  return std::make_shared<ToLayoutOp>(layout);
}

}  // namespace engine::ops

namespace engine {

void register_layout_op(OpRegistry& registry) {
  registry.passes.add({"channels-last", "store images channels-last where convolutions read them",
                       graph::Stage::forward, 2, ops::store_channels_last});
}

}  // namespace engine
