// The plans that cuDNN's graph API offers for a convolution. They are built for a described device,
// which need not be there: tests build those of an H100 on machines without any.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "kernels/cudnn/backend_descriptor.h"
#include "kernels/cudnn/convolution_problem.h"

namespace engine::cuda {

/// Device `index` of the runtime's enumeration.
BackendDescriptor describe_device(int index);
/// The device that a description in JSON, as cuDNN 9.8 and later write it, tells of.
BackendDescriptor describe_device(const std::string& json);

/// Identifiers of the operands in a plan.
inline constexpr std::array<std::int64_t, 3> kOperandIds{'x', 'w', 'y'};

/// An engine of the library with its knobs set, built.
struct ConvolutionPlan {
  std::string name;  ///< "engine_6 tile_size=12 stages=4"
  bool deterministic;
  std::size_t workspace;  ///< bytes
  BackendDescriptor plan;
};

/// Calls take() for each plan of those that `wants` its name, in the order of the library's
/// preference: heuristics A, B, then fallback; each plan once. Engines whose numerical notes say
/// less than the problem asks for are left out, and plans that the library finds it cannot build.
void visit_convolution_plans(const ConvolutionProblem& problem, const BackendDescriptor& device,
                             const std::function<bool(const std::string& name)>& wants,
                             const std::function<void(ConvolutionPlan)>& take);

}  // namespace engine::cuda
