// Candidates for operands in types, layouts or extents that a kernel does not take, or does not
// like, out of those that it does.
#pragma once

#include <memory>
#include <string>

#include "engine/tune/candidate.h"

namespace engine {

/// How a problem becomes the one that a kernel is given.
struct Conversion {
  std::string suffix;  ///< of the candidate's id
  /// The kernel's problem, which has as many operands. Those it leaves as they are are not copied.
  Problem (*inner)(const Problem& problem);
  /// Writes `from` to `to`, where their types differ; `rounds`: f32 numbers to those of bf16. Only
  /// launches.
  void (*copy)(Stream& stream, const TensorView& from, const TensorView& to, bool rounds);
  /// Why a problem is refused, or ""; absent: never.
  std::string (*refuse)(const Problem& problem) = nullptr;
};

/// A candidate, called <id><suffix>, that solves a problem by the kernel for its inner one:
/// operands whose types differ are copied into the workspace, and results from there. The weight of
/// a bf16 product that becomes one of f32 is rounded to bf16 on the way; a product of two bf16
/// numbers is exact in f32, so nothing else is lost. Problems that inner() leaves as they are are
/// refused.
std::unique_ptr<KernelCandidate> make_converted(std::unique_ptr<KernelCandidate> candidate,
                                                const Conversion& conversion);

}  // namespace engine
