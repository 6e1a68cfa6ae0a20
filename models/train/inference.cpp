#include "models/train/inference.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"
#include "models/train/checkpoint.h"

namespace engine {
namespace {

// The batch is the whole data set of the program, which is exchanged for every call.
Feed feed_of(std::int64_t batch, DType observation) {
  if (batch < 1) throw UsageError(fmt::format("a batch of {}, expected at least 1", batch));
  Feed feed{.part = Part::test, .count = batch, .batch = batch, .observation = observation};
  feed.group = feed.groups().front();
  return feed;
}

}  // namespace

InferenceSession::InferenceSession(const ModelDefinition& model, const std::string& checkpoint,
                                   std::int64_t batch, DType observation,
                                   const RuntimeOptions& options)
    : runtime_(options),
      observation_{model.network.input(), observation},
      programs_(runtime_, feed_of(batch, observation),
                [&](const Feed& feed) { return prediction_graph(model, feed, {}); }) {
  runtime_.allocate();
  load_parameters(checkpoint, runtime_.store(), runtime_.stream());
  output_size_ = runtime_.store().view(prediction_state(batch)).type.shape.elements_after(0);
}

std::vector<float> InferenceSession::predict(std::span<const float> observations) {
  return predict(std::as_bytes(observations), DType::f32);
}

std::vector<float> InferenceSession::predict(std::span<const std::uint8_t> observations) {
  return predict(std::as_bytes(observations), DType::u8);
}

std::vector<float> InferenceSession::predict(std::span<const std::int32_t> observations) {
  return predict(std::as_bytes(observations), DType::i32);
}

std::vector<float> InferenceSession::predict(std::span<const std::byte> bytes, DType type) {
  const std::size_t row = observation_.bytes();
  if (type != observation_.dtype || row == 0 || bytes.size() % row != 0)
    throw UsageError(fmt::format("{} bytes of {} to predict from, expected whole observations {}",
                                 bytes.size(), dtype_name(type), observation_.to_string()));
  const auto batch = static_cast<std::size_t>(programs_.feed().batch);
  const auto width = static_cast<std::size_t>(output_size_);
  const TensorView input = runtime_.store().view(observations_name(Part::test));
  const TensorView output = runtime_.store().view(prediction_state(programs_.feed().batch));
  std::vector<float> results(bytes.size() / row * width);
  Stream& stream = runtime_.stream();
  for (std::size_t first = 0; first * row < bytes.size(); first += batch) {
    const std::size_t rows = std::min(batch, bytes.size() / row - first);
    stream.copy_to_device(input.data, bytes.data() + first * row, rows * row);
    runtime_.clear(kPredictionStep);
    programs_.run(runtime_, 0, 1);
    stream.copy_to_host(results.data() + first * width, output.data, rows * width * sizeof(float));
  }
  stream.synchronize();
  return results;
}

}  // namespace engine
