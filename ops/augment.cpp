#include "ops/augment.h"

#include <fmt/format.h>

#include <limits>

#include "ops/expect.h"

namespace engine::ops {
namespace {

class AugmentOp final : public graph::Op {
 public:
  explicit AugmentOp(const AugmentAttributes& attributes)
      : Op("augment", attributes.to_attributes()) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    if (inputs[0].dtype != DType::u8) expect_real(inputs[0], 4, "the images");
    const bool images = inputs[0].shape.rank() == 4 && inputs[0].shape.elements_after(0) <=
                                                           std::numeric_limits<std::int32_t>::max();
    if (!images)
      throw ShapeError(
          fmt::format("the images are {}, expected [batch, channels, height, width] "
                      "of fewer than 2^31 elements each",
                      inputs[0].to_string()));
    expect(inputs[1], {{}, DType::i64}, "the step");
    return {inputs[0]};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> augment(const AugmentAttributes& attributes) {
  if (!(attributes.shift >= 0 && attributes.shift < 1))
    throw UsageError(fmt::format("a shift of {} of an image is not in [0, 1)", attributes.shift));
  return std::make_shared<AugmentOp>(attributes);
}

}  // namespace engine::ops
