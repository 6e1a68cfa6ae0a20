// One small training problem for every optimizer, made of numbers that any language can compute:
// what our trajectories and another framework's are compared on (tools/rosetta/optimizers.py).
//
// A multilayer perceptron of 20 inputs, 16 ReLU units and 5 classes learns batches of 8. With
// mix(stream, i) a 32-bit hash (see the source), element i of a tensor is
// scale * (mix(stream, i) / 2^31 - 1): weights [20, 16], bias, weights [16, 5] and bias have
// streams 0 to 3 and scales 0.4, 0.1, 0.5, 0.1; the observations of step s, counted from 0, have
// stream 100 + s and scale 1; label i is mix(1000 + s, i) mod 5.
#pragma once

#include <string>
#include <vector>

#include "models/train/optimizer.h"

namespace engine::test {

struct NamedOptimizer {
  std::string name;
  OptimizerSettings settings;
};

/// Every rule, and every way to treat its gradients and its learning rate.
std::vector<NamedOptimizer> trajectory_optimizers();

/// Where training is after a step.
struct TrajectoryPoint {
  double loss = 0;                             ///< of the step's batch, before its update
  std::vector<std::vector<float>> parameters;  ///< the four tensors, row-major
};

/// The first `steps` steps on a device.
std::vector<TrajectoryPoint> run_trajectory(const OptimizerSettings& settings,
                                            const std::string& device, int steps);

}  // namespace engine::test
