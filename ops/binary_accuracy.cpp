#include "ops/binary_accuracy.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

class BinaryAccuracyOp final : public graph::Op {
 public:
  BinaryAccuracyOp() : Op("binary_accuracy") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect(inputs[0], DType::f32, inputs[0].shape.rank(), "the logits");
    expect(inputs[1], inputs[0], "the targets");
    return {{{}, DType::i32}};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> binary_accuracy() {
  return std::make_shared<BinaryAccuracyOp>();
}

}  // namespace engine::ops
