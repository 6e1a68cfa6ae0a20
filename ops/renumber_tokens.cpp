#include "ops/renumber_tokens.h"

#include <algorithm>

#include "ops/expect.h"

namespace engine::ops {
namespace {

class RenumberTokensOp final : public graph::Op {
 public:
  explicit RenumberTokensOp(std::int64_t vocabulary)
      : Op("renumber_tokens", Attributes().set("vocabulary", vocabulary)),
        vocabulary_(vocabulary) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1);
    expect(inputs[0], DType::i32, inputs[0].shape.rank(), "the tokens");
    const std::int64_t rows = std::min(vocabulary_, inputs[0].element_count());
    return {{{rows}, DType::i32}, inputs[0], {{vocabulary_}, DType::i32}};
  }

 private:
  std::int64_t vocabulary_;
};

}  // namespace

std::shared_ptr<const graph::Op> renumber_tokens(std::int64_t vocabulary) {
  return std::make_shared<RenumberTokensOp>(vocabulary);
}

}  // namespace engine::ops
