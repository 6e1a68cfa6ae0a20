#include "ops/accumulate_metrics.h"

#include "kernels/accumulate_metrics.h"
#include "ops/expect.h"

namespace engine::ops {
namespace {

Attributes print(const std::vector<double>& weights) {
  Attributes attributes;
  for (std::size_t k = 0; k < weights.size(); ++k)
    attributes.set("weight_" + std::to_string(k), weights[k]);
  return attributes;
}

class AccumulateMetricsOp final : public graph::Op {
 public:
  explicit AccumulateMetricsOp(const std::vector<double>& weights)
      : Op("accumulate_metrics", print(weights)), metrics_(weights.size()) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 1 + 2 * metrics_);
    expect(inputs[0], {{}, DType::i64}, "the step");
    std::vector<TensorType> outputs{inputs[0]};
    for (std::size_t k = 0; k < metrics_; ++k) {
      expect(inputs[1 + k], {{}, DType::f64}, "a metric's total");
      const TensorType& value = inputs[1 + metrics_ + k];
      expect(value, {{}, value.dtype == DType::i32 ? DType::i32 : DType::f32}, "a metric");
      outputs.push_back(inputs[1 + k]);
    }
    return outputs;
  }
  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(
      const graph::Node&) const override {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t k = 0; k <= metrics_; ++k) pairs.push_back({k, k});
    return pairs;
  }

 private:
  std::size_t metrics_;
};

}  // namespace

std::shared_ptr<const graph::Op> accumulate_metrics(const std::vector<double>& weights) {
  if (weights.size() > static_cast<std::size_t>(kMaxMetrics))
    throw UsageError("accumulate_metrics: at most " + std::to_string(kMaxMetrics) + " metrics");
  return std::make_shared<AccumulateMetricsOp>(weights);
}

}  // namespace engine::ops
