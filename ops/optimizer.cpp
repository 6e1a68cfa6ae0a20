#include "ops/optimizer.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

class OptimizerOp final : public graph::Op {
 public:
  OptimizerOp(const std::string& name, Attributes attributes, std::size_t count,
              std::size_t moments)
      : Op(name, std::move(attributes)), count_(count), moments_(moments) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1 + (2 + moments_) * count_);
    expect(inputs[0], {{}, DType::f32}, "the learning rate");
    std::vector<TensorType> outputs;
    for (std::size_t i = 0; i < count_; ++i) {
      const TensorType& parameter = inputs[1 + i];
      expect(parameter, DType::f32, parameter.shape.rank(), "a parameter");
      for (std::size_t j = 1; j < 2 + moments_; ++j)
        expect(inputs[1 + j * count_ + i], parameter, j == 1 ? "a gradient" : "a moment");
    }
    for (std::size_t i = 0; i < (1 + moments_) * count_; ++i)
      outputs.push_back(inputs[1 + i % count_]);
    return outputs;
  }

  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(
      const graph::Node&) const override {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = 0; i < count_; ++i) pairs.push_back({i, 1 + i});
    for (std::size_t i = 0; i < moments_ * count_; ++i)
      pairs.push_back({count_ + i, 1 + 2 * count_ + i});
    return pairs;
  }

 private:
  std::size_t count_;
  std::size_t moments_;
};

}  // namespace

std::shared_ptr<const graph::Op> optimizer_op(const std::string& name, Attributes attributes,
                                              std::size_t count, std::size_t moments) {
  attributes.set("count", static_cast<std::int64_t>(count));
  return std::make_shared<OptimizerOp>(name, std::move(attributes), count, moments);
}

}  // namespace engine::ops
