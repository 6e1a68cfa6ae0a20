#include "tools/profile/algorithm_groups.h"

#include <algorithm>
#include <array>
#include <set>

#include "graph/op.h"

namespace engine::tools {
namespace {

struct Product {
  std::string_view op, direction;
};
// Those of a recurrent layer are many, in one op.
constexpr std::array<Product, 12> kProducts{{{"dense", "forward"},
                                             {"lstm", "forward"},
                                             {"lstm_gradient", "backward"},
                                             {"gru", "forward"},
                                             {"gru_gradient", "backward"},
                                             {"gru_reset_after", "forward"},
                                             {"gru_reset_after_gradient", "backward"},
                                             {"convolution", "forward"},
                                             {"dense_input_gradient", "backward_data"},
                                             {"convolution_input_gradient", "backward_data"},
                                             {"dense_weight_gradient", "backward_filter"},
                                             {"convolution_weight_gradient", "backward_filter"}}};

// nullptr for an op that is no product.
const Product* product_of(const graph::Node& node) {
  const auto place = std::find_if(kProducts.begin(), kProducts.end(), [&](const Product& product) {
    return product.op == node.op().name();
  });
  return place != kProducts.end() ? &*place : nullptr;
}

// Gradients are labelled "LAYER/weight_gradient".
std::string layer_of_product(const graph::Node& node, const Product& product) {
  const std::string& label = node.label();
  return product.direction == "forward" ? label : label.substr(0, label.rfind('/'));
}

std::vector<CandidateResult> results_of(const graph::Step& step, Workload& workload) {
  const Tuner& tuner = workload.runtime().tuner();
  for (const TuningRecord& record : tuner.records())
    if (record.problem == step.problem) return record.results;
  return tuner.answers(workload.problem_of(step));
}

}  // namespace

std::vector<AlgorithmGroup> algorithm_groups(Workload& workload) {
  std::vector<AlgorithmGroup> groups;
  std::vector<std::string> layers;
  for (const graph::Step& step : workload.program().steps) {
    const Product* product = product_of(*step.node);
    if (product == nullptr) continue;
    const std::string layer = layer_of_product(*step.node, *product);
    if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
    groups.push_back(
        {layer, std::string(product->direction), step.problem,
         algorithm_rows(results_of(step, workload), step.candidate, step.configuration)});
  }
  const auto rank = [&](const AlgorithmGroup& group) {
    const std::string_view direction = group.direction;
    return std::pair(std::find(layers.begin(), layers.end(), group.layer),
                     direction == "forward"           ? 0
                     : direction == "backward_filter" ? 2
                                                      : 1);
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return groups;
}

Record to_record(const AlgorithmGroup& group, const AlgorithmRow& row) {
  Record record;
  record.set("layer", group.layer).set("direction", group.direction);
  record.set("problem", group.problem);
  set_algorithm(record, row);
  const Comparison comparison = compare_choice(group.rows);
  const auto gain = [&](const AlgorithmRow* other) {
    const std::optional<double> gained = gain_over(other, comparison.chosen);
    return row.chosen && gained ? Field(*gained) : Field(nullptr);
  };
  record.set("gain_over_heuristic", gain(comparison.heuristic));
  return record.set("gain_over_direct", gain(comparison.direct));
}

TotalGain total_gain(const std::vector<AlgorithmGroup>& groups) {
  TotalGain total;
  std::set<std::string> seen;
  for (const AlgorithmGroup& group : groups) {
    const Comparison comparison = compare_choice(group.rows);
    if (comparison.chosen != nullptr) {
      total.chosen += comparison.chosen->result.microseconds;
      total.heuristic += comparison.heuristic->result.microseconds;
    }
    if (comparison.chosen != nullptr && comparison.direct != nullptr) {
      total.chosen_beside_direct += comparison.chosen->result.microseconds;
      total.direct += comparison.direct->result.microseconds;
    }
    if (!seen.insert(group.problem).second) continue;
    ++total.problems;
    for (const AlgorithmRow& row : group.rows) {
      total.timed += row.timed ? 1 : 0;
      total.refused += row.refused() ? 1 : 0;
    }
  }
  return total;
}

}  // namespace engine::tools
