#include "ops/learning_rate.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

class LearningRateOp final : public graph::Op {
 public:
  explicit LearningRateOp(const LearningRateAttributes& attributes)
      : Op("learning_rate", attributes.to_attributes()) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect(inputs[0], {{}, DType::f32}, "the base");
    expect(inputs[1], {{}, DType::i64}, "the step");
    return {inputs[0]};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> learning_rate(const LearningRateAttributes& attributes) {
  if (attributes.period < 1 || attributes.every < 1 || attributes.warmup < 0)
    throw UsageError(
        fmt::format("a schedule with period {}, warm-up {} and an update every {} "
                    "steps, expected 1, 0 and 1 or more",
                    attributes.period, attributes.warmup, attributes.every));
  return std::make_shared<LearningRateOp>(attributes);
}

}  // namespace engine::ops
