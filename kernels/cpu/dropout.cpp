// Drop-out, 64 elements at a time: the random words of a group, then a select over the elements.
#include "kernels/cpu/dropout.h"

#include <algorithm>
#include <limits>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/philox.h"
#include "kernels/layout.h"

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

void draw_tile(std::uint32_t (*words)[kTileChannels], std::int64_t first, std::int64_t count,
               std::int64_t channels, std::int64_t positions, RandomKey key, std::uint64_t step) {
  if (first % 4 == 0 && positions % 4 == 0) {
    const PhiloxColumns draw = philox_columns();
    for (std::int64_t p = 0; p < count; p += 4)
      draw(words + p, static_cast<std::uint64_t>((first + p) / 4),
           static_cast<std::uint64_t>(positions / 4), key, step);
    return;
  }
  const PhiloxGroup draw = philox_group();
  alignas(64) std::uint32_t drawn[2 * kPhiloxGroup];
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t element = first + c * positions;
    const std::int64_t group = element / kPhiloxGroup, skipped = element % kPhiloxGroup;
    draw(drawn, static_cast<std::uint64_t>(group), key, step);
    if (skipped + count > kPhiloxGroup)
      draw(drawn + kPhiloxGroup, static_cast<std::uint64_t>(group + 1), key, step);
    for (std::int64_t p = 0; p < count; ++p) words[p][c] = drawn[skipped + p];
  }
}

namespace {

// The same over bf16, which is computed in f32.
void select(const bfloat16* x, bfloat16* y, const std::uint32_t* words, std::int64_t count,
            std::uint32_t threshold, float scale, float floor) {
  alignas(64) float values[kTileChannels];
  widen(x, values, count);
  select(values, values, words, count, threshold, scale, floor);
  narrow(values, y, count);
}

template <class T>
void drop_positions(const T* x, T* y, std::int64_t first, std::int64_t count, std::int64_t channels,
                    std::int64_t positions, const DropoutAttributes& attributes, std::uint64_t step,
                    bool rectify) {
  const std::uint32_t threshold = attributes.threshold();
  const float scale = attributes.scale();
  const float floor = rectify ? 0.0f : -std::numeric_limits<float>::infinity();
  for_each_drawn_row(first, count, channels, positions, attributes.key, step,
                     [&](std::int64_t at, const std::uint32_t* words, std::int64_t width) {
                       select(x + at, y + at, words, width, threshold, scale, floor);
                     });
}

}  // namespace

void dropout_channels_last(const float* x, float* y, std::int64_t first, std::int64_t count,
                           std::int64_t channels, std::int64_t positions,
                           const DropoutAttributes& attributes, std::uint64_t step, bool rectify) {
  drop_positions(x, y, first, count, channels, positions, attributes, step, rectify);
}

namespace {

template <class T>
SimpleCandidate::Launch prepare_channels_last(const Problem& problem) {
  const ImageExtents image = ImageExtents::of(problem.inputs[0]);
  return [image, attributes = DropoutAttributes::from(problem.attributes)](
             const LaunchArguments& arguments) {
    const auto step = static_cast<std::uint64_t>(*arguments.inputs[1].as<std::int64_t>());
    const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, image.channels) + 1;
    parallel_for(image.batch * image.positions, grain, [&](std::int64_t begin, std::int64_t end) {
      drop_positions(arguments.inputs[0].as<T>() + begin * image.channels,
                     arguments.outputs[0].as<T>() + begin * image.channels, begin, end - begin,
                     image.channels, image.positions, attributes, step, false);
    });
  };
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const auto attributes = DropoutAttributes::from(problem.attributes);
  if (problem.inputs[0].layout == Layout::channels_last)
    return problem.inputs[0].dtype == DType::bf16 ? prepare_channels_last<bfloat16>(problem)
                                                  : prepare_channels_last<float>(problem);
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
