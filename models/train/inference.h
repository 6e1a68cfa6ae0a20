// A trained network that answers: parameters from a checkpoint, compiled for prediction once, for
// as many observations at a time as asked for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/train/evaluator.h"
#include "models/train/runtime.h"
#include "models/zoo/zoo.h"

namespace engine {

class InferenceSession {
 public:
  /// `checkpoint` is a safetensors file with the parameters of `model`, such as
  /// RUN/checkpoints/best.safetensors. Observations come as f32 or as u8, which alone are scaled
  /// (both are normalized as in training), or as i32, which are tokens. Compiles for `batch`
  /// observations and allocates. Throws DataError for a checkpoint that is damaged or of another
  /// network.
  InferenceSession(const ModelDefinition& model, const std::string& checkpoint,
                   std::int64_t batch = 32, DType observation = DType::f32,
                   const RuntimeOptions& options = {});

  /// The network's outputs for observations row by row, any number of them: logits, or what the
  /// last layer gives. Not to be called from two threads at once. Throws UsageError unless there
  /// are whole observations of the type named to the constructor.
  std::vector<float> predict(std::span<const float> observations);
  std::vector<float> predict(std::span<const std::uint8_t> observations);
  std::vector<float> predict(std::span<const std::int32_t> observations);

  /// Numbers in the output for one observation.
  std::int64_t output_size() const { return output_size_; }

 private:
  std::vector<float> predict(std::span<const std::byte> bytes, DType type);

  Runtime runtime_;
  TensorType observation_;
  BatchPrograms programs_;
  std::int64_t output_size_ = 0;
};

}  // namespace engine
