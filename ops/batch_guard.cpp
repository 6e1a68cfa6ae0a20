#include "ops/batch_guard.h"

#include <fmt/format.h>

#include "ops/expect.h"

namespace engine::ops {
namespace {

class BatchGuardOp final : public graph::Op {
 public:
  explicit BatchGuardOp(const BatchGuardAttributes& attributes)
      : Op("batch_guard", attributes.to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect(inputs[0], {{}, DType::i64}, "the step");
    return {{{}, DType::f32}};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> batch_guard(const BatchGuardAttributes& attributes) {
  if (attributes.first < 0 || attributes.count < 1 ||
      attributes.first + attributes.count > attributes.steps_per_epoch)
    throw UsageError(fmt::format("batches {} to {} of {} in an epoch", attributes.first,
                                 attributes.first + attributes.count, attributes.steps_per_epoch));
  return std::make_shared<BatchGuardOp>(attributes);
}

}  // namespace engine::ops
