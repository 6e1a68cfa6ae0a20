// The gradient with respect to what a trained network looks at, which training never computes: for
// images that please a class or a channel (DeepDream; Mordvintsev, Olah, Tyka, 2015), and for maps
// of what an answer depends on. Of another layer than the last one: hand in a model whose network
// is cut off there (Network::up_to).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/train/runtime.h"
#include "models/train/step_graphs.h"

namespace engine {

// States of input_gradient_graph(), all f32.
inline constexpr const char* kInputObservations = "input/observations";  ///< [batch, input…]
inline constexpr const char* kInputScale = "input/scale";      ///< of a model with a normalization,
inline constexpr const char* kInputOffset = "input/offset";    ///< [channels or 1, 1…]
inline constexpr const char* kInputOutputs = "input/outputs";  ///< [batch, output…]
inline constexpr const char* kInputOutputWeights = "input/output_weights";  ///< like the outputs
inline constexpr const char* kInputGradient = "input/gradient";  ///< like the observations

/// The network in inference on `batch` observations, and d(Σ weights · outputs)/d(observations).
/// Throws UsageError when the outputs do not depend on the observations, or there is no gradient.
StepGraph input_gradient_graph(const ModelDefinition& model, std::int64_t batch);

class InputGradientSession {
 public:
  /// As InferenceSession, for exactly `batch` observations at a time.
  InputGradientSession(const ModelDefinition& model, const std::string& checkpoint,
                       std::int64_t batch = 1, const RuntimeOptions& options = {});

  /// [batch, …] of what predict() of an InferenceSession gives.
  const Shape& output_shape() const { return outputs_.shape; }

  struct Result {
    std::vector<float> outputs;   ///< row by row
    std::vector<float> gradient;  ///< of Σ weights · outputs, shaped like the observations
  };
  /// Observations as numbers (bytes would be times the model's input_scale); mean and deviation are
  /// applied here, and the gradient is of what comes in. A weight for each output says what is
  /// wanted: 1 for a class or for every element of a channel, 0 elsewhere. Not to be called from
  /// two threads at once. Throws UsageError for other counts of numbers.
  Result run(std::span<const float> observations, std::span<const float> weights);

 private:
  Runtime runtime_;
  std::size_t program_;
  TensorType observations_, outputs_;
};

}  // namespace engine
