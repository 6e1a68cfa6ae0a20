// Drop-out behind max pooling, of what its loops have left in y and index.
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/philox.h"
#include "kernels/cpu/pool.h"

namespace engine::cpu {
namespace {

template <class T>
ENGINE_SIMD_INLINE void drop_one(T& y, std::uint8_t& index, bool kept, float scale) {
  y = T(kept ? static_cast<float>(y) * scale : 0.0f);
  index = static_cast<std::uint8_t>(kept ? index : kNoIndex);
}

// Usually as many as a tile is wide, which is less than a register of indices: a loop of its own.
template <class T>
ENGINE_SIMD_INLINE void drop_loop(T* y, std::uint8_t* index, const std::uint32_t* words,
                                  std::int64_t count, std::uint32_t threshold, float scale) {
  if (count == kTileChannels) {
    ENGINE_LANE_LOOP
    for (int i = 0; i < kTileChannels; ++i) drop_one(y[i], index[i], words[i] >= threshold, scale);
    return;
  }
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) drop_one(y[i], index[i], words[i] >= threshold, scale);
}
ENGINE_SIMD_CLONES void drop(float* y, std::uint8_t* index, const std::uint32_t* words,
                             std::int64_t count, std::uint32_t threshold, float scale) {
  drop_loop(y, index, words, count, threshold, scale);
}
ENGINE_SIMD_CLONES void drop(bfloat16* y, std::uint8_t* index, const std::uint32_t* words,
                             std::int64_t count, std::uint32_t threshold, float scale) {
  drop_loop(y, index, words, count, threshold, scale);
}

template <class T>
void drop_elements(const Pool& pool, const DropoutAttributes& dropout,
                   const LaunchArguments& arguments) {
  T* y = arguments.outputs[0].as<T>();
  std::uint8_t* index = arguments.outputs[1].as<std::uint8_t>();
  const auto step = static_cast<std::uint64_t>(*arguments.inputs[1].as<std::int64_t>());
  const std::uint32_t threshold = dropout.threshold();
  const std::int64_t positions = pool.g.output_positions(), channels = pool.g.channels;
  if (pool.input.last) {
    const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, channels) + 1;
    parallel_for(pool.g.batch * positions, grain, [&](std::int64_t begin, std::int64_t end) {
      for_each_drawn_row(begin, end - begin, channels, positions, dropout.key, step,
                         [&](std::int64_t at, const std::uint32_t* words, std::int64_t width) {
                           const std::int64_t place = begin * channels + at;
                           drop(y + place, index + place, words, width, threshold, dropout.scale());
                         });
    });
    return;
  }
  const PhiloxGroup draw = philox_group();
  const std::int64_t count = arguments.outputs[0].type.element_count();
  parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) std::uint32_t words[kPhiloxGroup];
    for (std::int64_t i = begin; i < end; i += kPhiloxGroup) {
      draw(words, static_cast<std::uint64_t>(i / kPhiloxGroup), dropout.key, step);
      drop(y + i, index + i, words, std::min<std::int64_t>(kPhiloxGroup, end - i), threshold,
           dropout.scale());
    }
  });
}

}  // namespace

void drop_pooled(const Pool& pool, const DropoutAttributes& dropout,
                 const LaunchArguments& arguments) {
  arguments.outputs[0].type.dtype == DType::bf16 ? drop_elements<bfloat16>(pool, dropout, arguments)
                                                 : drop_elements<float>(pool, dropout, arguments);
}

}  // namespace engine::cpu
