#include "ops/accumulate_metrics.h"

#include "ops/expect.h"

namespace engine::ops {
namespace {

class AccumulateMetricsOp final : public graph::Op {
 public:
  explicit AccumulateMetricsOp(const MetricsAttributes& metrics)
      : Op("accumulate_metrics", metrics.to_attributes()), metrics_(metrics) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, metrics_.predicate() + metrics_.has_predicate() + metrics_.has_skipped());
    expect(inputs[0], {{}, DType::i64}, "the step");
    std::vector<TensorType> outputs{inputs[0]};
    for (std::size_t k = 0; k < metrics_.weights.size(); ++k) {
      expect(inputs[metrics_.total(k)], {{}, DType::f64}, "a metric's total");
      const TensorType& value = inputs[metrics_.value(k)];
      expect(value, {{}, value.dtype == DType::i32 ? DType::i32 : DType::f32}, "a metric");
      outputs.push_back(inputs[metrics_.total(k)]);
    }
    if (metrics_.has_predicate())
      expect(inputs[metrics_.predicate()], {{}, DType::f32}, "the predicate");
    if (metrics_.has_skipped()) {
      expect(inputs[metrics_.skipped()], {{}, DType::i64}, "the number of skipped steps");
      outputs.push_back(inputs[metrics_.skipped()]);
    }
    return outputs;
  }

  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(
      const graph::Node&) const override {
    std::vector<std::pair<std::size_t, std::size_t>> pairs{{0, 0}};
    for (std::size_t k = 0; k < metrics_.weights.size(); ++k)
      pairs.push_back({metrics_.total(k), metrics_.total(k)});
    if (metrics_.has_skipped()) pairs.push_back({metrics_.new_skipped(), metrics_.skipped()});
    return pairs;
  }

 private:
  MetricsAttributes metrics_;
};

}  // namespace

std::shared_ptr<const graph::Op> accumulate_metrics(const std::vector<double>& weights,
                                                    BadSteps bad_steps) {
  if (weights.size() > static_cast<std::size_t>(kMaxMetrics))
    throw UsageError("accumulate_metrics: at most " + std::to_string(kMaxMetrics) + " metrics");
  return std::make_shared<AccumulateMetricsOp>(MetricsAttributes{weights, bad_steps});
}

}  // namespace engine::ops
