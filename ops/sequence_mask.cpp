#include "ops/sequence_mask.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "kernels/sequence_mask.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

class SequenceMaskOp final : public graph::Op {
 public:
  explicit SequenceMaskOp(const SequenceMask& mask)
      : Op("sequence_mask", mask.to_attributes()), mask_(mask) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect(inputs[0], DType::i32, 1, "the lengths");
    return {{{inputs[0].shape[0], mask_.steps}, DType::u8}};
  }

 private:
  SequenceMask mask_;
};

class TokenMaskOp final : public graph::Op {
 public:
  explicit TokenMaskOp(const TokenMask& mask) : Op("token_mask", mask.to_attributes()) {}
  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect(inputs[0], DType::i32, 2, "the tokens");
    return {{inputs[0].shape, DType::u8}};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> sequence_mask(std::int64_t steps, bool left) {
  if (steps < 0) throw UsageError(fmt::format("a mask of {} steps, expected 0 or more", steps));
  return std::make_shared<SequenceMaskOp>(SequenceMask{steps, left});
}
std::shared_ptr<const graph::Op> token_mask(std::int64_t padding) {
  return std::make_shared<TokenMaskOp>(TokenMask{padding});
}

}  // namespace engine::ops
