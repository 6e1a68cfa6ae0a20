// Drop-out, 64 elements at a time: the random words of a group, then a select over the elements.
#include "kernels/cpu/dropout.h"

#include <algorithm>
#include <limits>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/philox.h"

namespace engine {
namespace cpu {
namespace {

// Selects rather than multiplies by 0, because a dropped element is 0 even where x is not finite.
// The ReLU is one too, and lets NaN pass; `floor` is 0 or minus infinity.
ENGINE_SIMD_CLONES
void select(const float* x, float* y, const std::uint32_t* words, std::int64_t count,
            std::uint32_t threshold, float scale, float floor) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = x[i] <= floor ? floor : x[i];
    y[i] = words[i] >= threshold ? value * scale : 0.0f;
  }
}

}  // namespace

void dropout_range(const float* x, float* y, std::int64_t first, std::int64_t count,
                   const DropoutAttributes& attributes, std::uint64_t step, bool rectify) {
  const PhiloxGroup draw = philox_group();
  const std::uint32_t threshold = attributes.threshold();
  const float scale = attributes.scale();
  const float floor = rectify ? 0.0f : -std::numeric_limits<float>::infinity();
  alignas(64) std::uint32_t words[kPhiloxGroup];
  for (std::int64_t i = 0; i < count; i += kPhiloxGroup) {
    draw(words, static_cast<std::uint64_t>((first + i) / kPhiloxGroup), attributes.key, step);
    select(x + i, y + i, words, std::min<std::int64_t>(kPhiloxGroup, count - i), threshold, scale,
           floor);
  }
}

namespace {

SimpleCandidate::Launch prepare(const Problem& problem) {
  const auto attributes = DropoutAttributes::from(problem.attributes);
  return [attributes](const LaunchArguments& arguments) {
    const auto step = static_cast<std::uint64_t>(*arguments.inputs[1].as<std::int64_t>());
    for_each_float_range(
        [&](std::int64_t first, std::int64_t count, float* y, const float* x) {
          dropout_range(x, y, first, count, attributes, step, false);
        },
        arguments.outputs[0], arguments.inputs[0]);
  };
}

}  // namespace
}  // namespace cpu

void register_dropout_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "dropout", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare});
}

}  // namespace engine
