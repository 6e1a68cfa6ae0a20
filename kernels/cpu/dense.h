// What the CPU implementations of dense share.
#pragma once

#include "engine/tune/candidate.h"
#include "kernels/dense.h"

namespace engine::cpu {

/// What a launch needs to know of its problem.
struct DensePlan {
  DenseExtents extents;
  DenseAttributes attributes;  ///< defaults for the gradients, which have none
  explicit DensePlan(const Problem& problem)
      : extents(DenseExtents::of(problem)),
        attributes(problem.op == "dense" ? DenseAttributes::from(problem.attributes)
                                         : DenseAttributes{}) {}
};

/// Applies activation and drop-out in place to the output of a dense launch.
void finish_dense(const DenseAttributes& attributes, const LaunchArguments& arguments);

}  // namespace engine::cpu
