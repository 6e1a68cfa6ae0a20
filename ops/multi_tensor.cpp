#include "ops/multi_tensor.h"

#include <fmt/format.h>

#include "kernels/optimizer.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

class MultiTensorOp final : public graph::Op {
 public:
  MultiTensorOp(const std::string& name, Attributes attributes, std::vector<DType> scalars,
                std::size_t count, std::size_t states)
      : Op(name, std::move(attributes)),
        scalars_(std::move(scalars)),
        operands_{scalars_.size(), count},
        states_(states) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, scalars_.size() + (1 + states_) * operands_.count);
    for (std::size_t i = 0; i < scalars_.size(); ++i)
      expect(inputs[i], {{}, scalars_[i]}, fmt::format("scalar {}", i));
    std::vector<TensorType> outputs;
    for (std::size_t k = 0; k < operands_.count; ++k) {
      const TensorType& type = inputs[operands_.state(0, k)];
      expect(type, DType::f32, type.shape.rank(), "a state");
      expect(inputs[operands_.incoming(k)], type, "what updates a state");
    }
    for (std::size_t j = 0; j < states_; ++j)
      for (std::size_t k = 0; k < operands_.count; ++k) {
        expect(inputs[operands_.state(j, k)], inputs[operands_.state(0, k)], "a state");
        outputs.push_back(inputs[operands_.state(j, k)]);
      }
    return outputs;
  }

  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(
      const graph::Node&) const override {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t j = 0; j < states_; ++j)
      for (std::size_t k = 0; k < operands_.count; ++k)
        pairs.push_back({operands_.next(j, k), operands_.state(j, k)});
    return pairs;
  }

 private:
  std::vector<DType> scalars_;
  MultiTensorOperands operands_;
  std::size_t states_;
};

}  // namespace

std::shared_ptr<const graph::Op> multi_tensor_op(const std::string& name, Attributes attributes,
                                                 std::vector<DType> scalars, std::size_t count,
                                                 std::size_t states) {
  attributes.set("count", static_cast<std::int64_t>(count));
  return std::make_shared<MultiTensorOp>(name, std::move(attributes), std::move(scalars), count,
                                         states);
}

std::shared_ptr<const graph::Op> optimizer_op(const std::string& name, Attributes attributes,
                                              const OptimizerFrame& frame, std::size_t moments) {
  OptimizerAttributes{frame.clip_value, frame.every}.add_to(attributes);
  return multi_tensor_op(name, std::move(attributes), {DType::f32, DType::f32, DType::i64},
                         frame.count, 1 + moments);
}

}  // namespace engine::ops
