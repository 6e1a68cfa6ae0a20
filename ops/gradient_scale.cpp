#include "ops/gradient_scale.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

class GradientScaleOp final : public graph::Op {
 public:
  explicit GradientScaleOp(const GradientScaleAttributes& attributes)
      : Op("gradient_scale", attributes.to_attributes()), attributes_(attributes) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, attributes_.gradient(attributes_.count));
    expect(inputs[0], {{}, DType::i64}, "the step");
    for (std::size_t i = 0; i < attributes_.guards; ++i)
      expect(inputs[attributes_.guard(i)], {{}, DType::f32}, "a guard");
    for (std::size_t k = 0; k < attributes_.count; ++k) {
      const TensorType& gradient = inputs[attributes_.gradient(k)];
      expect(gradient, DType::f32, gradient.shape.rank(), "a gradient");
    }
    return {{{}, DType::f32}};
  }

 private:
  GradientScaleAttributes attributes_;
};

}  // namespace

std::shared_ptr<const graph::Op> gradient_scale(const GradientScaleAttributes& attributes) {
  if (attributes.every < 1 || !(attributes.clip_norm >= 0))
    throw UsageError(
        fmt::format("gradients of {} steps clipped to norm {}, expected 1 step or "
                    "more and a norm from 0 up",
                    attributes.every, attributes.clip_norm));
  return std::make_shared<GradientScaleOp>(attributes);
}

}  // namespace engine::ops
