// How candidates made of tiled products list their configurations: every tile size with every
// number of splits of the sum, as far as they apply to a problem.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace engine::cuda {

/// Beyond which splitting further cannot help: a device has fewer places for blocks.
inline constexpr std::int64_t kManyBlocks = 1024;

template <class Variant>
struct SplitPlan {
  const Variant* variant;
  int splits;

  /// "64x64", or "64x64/k8" of a sum in eight splits.
  std::string name() const {
    return splits == 1 ? variant->name : variant->name + ("/k" + std::to_string(splits));
  }
};

/// The pairs of a variant and a number of splits that `applies(plan)` is true of.
template <class Plan, class Variants, class Splits, class Applies>
std::vector<Plan> find_plans(const Variants& variants, const Splits& splits,
                             const Applies& applies) {
  std::vector<Plan> plans;
  for (int count : splits)
    for (const auto& variant : variants)
      if (const Plan plan{{&variant, count}}; applies(plan)) plans.push_back(plan);
  return plans;
}

}  // namespace engine::cuda
