// Candidates for operands in types or layouts that a kernel does not take, out of those that do.
#pragma once

#include <memory>
#include <string>

#include "engine/tune/candidate.h"

namespace engine::cpu {

/// The types of `problem` with f32 in place of bf16.
Problem widened(Problem problem);

/// A candidate, called <id><suffix>, that solves `problem` by the kernel for inner(problem), which
/// has the same shapes: operands of other types or layouts are converted into the workspace, and
/// results from there. A weight of a bf16 product is rounded to bf16 on the way; a product of two
/// bf16 numbers is exact in f32, so nothing else is lost. Problems that inner() leaves as they are
/// are refused.
std::unique_ptr<KernelCandidate> make_converted(std::unique_ptr<KernelCandidate> candidate,
                                                const std::string& suffix,
                                                Problem (*inner)(const Problem&));

}  // namespace engine::cpu
