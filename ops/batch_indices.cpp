#include "ops/batch_indices.h"

#include <fmt/format.h>

#include <limits>

#include "ops/expect.h"

namespace engine::ops {
namespace {

class BatchIndicesOp final : public graph::Op {
 public:
  BatchIndicesOp(const BatchIndicesAttributes& attributes, std::int64_t size)
      : Op("batch_indices", attributes.to_attributes()), size_(size) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect(inputs[0], {{}, DType::i64}, "the step");
    return {{{size_}, DType::i32}};
  }

 private:
  std::int64_t size_;
};

}  // namespace

std::shared_ptr<const graph::Op> batch_indices(const BatchIndicesAttributes& attributes,
                                               std::int64_t size) {
  const bool sensible =
      attributes.count > 0 && attributes.batch > 0 && size > 0 && size <= attributes.batch &&
      attributes.steps_per_epoch > 0 && attributes.first_batch >= 0 && attributes.first_row >= 0 &&
      attributes.count + attributes.first_row <= std::numeric_limits<std::int32_t>::max();
  if (!sensible)
    throw UsageError(fmt::format("a batch of {} of at most {} from {} observations in {} steps",
                                 size, attributes.batch, attributes.count,
                                 attributes.steps_per_epoch));
  return std::make_shared<BatchIndicesOp>(attributes, size);
}

}  // namespace engine::ops
