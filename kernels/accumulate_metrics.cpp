#include "kernels/accumulate_metrics.h"

namespace engine {

std::vector<double> metric_weights(const Problem& problem) {
  std::vector<double> weights;
  for (std::size_t k = 0; k + 1 < problem.outputs.size(); ++k)
    weights.push_back(problem.attributes.real("weight_" + std::to_string(k)));
  return weights;
}

}  // namespace engine
