#include "ops/accuracy.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

class AccuracyOp final : public graph::Op {
 public:
  AccuracyOp() : Op("accuracy") {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    expect(inputs[0], DType::f32, 2, "the logits");
    expect(inputs[1], {{inputs[0].shape[0]}, DType::i32}, "the labels");
    return {{{}, DType::i32}};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> accuracy() {
  return std::make_shared<AccuracyOp>();
}

}  // namespace engine::ops
