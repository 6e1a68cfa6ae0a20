// What the CPU implementations of dense share.
#pragma once

#include <memory>

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

/// Applies activation and drop-out in place to the output of a dense launch, f32 or bf16.
void finish_dense(const DenseAttributes& attributes, const LaunchArguments& arguments);

/// A candidate for bf16 out of one for f32 (see make_converted). Where a CPU has no instructions
/// for bf16 nothing is faster.
std::unique_ptr<KernelCandidate> make_widened_dense(std::unique_ptr<KernelCandidate> f32);

}  // namespace engine::cpu
