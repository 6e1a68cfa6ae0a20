// Maxima of channels-last images, the usual case, window by window (pool_window.h).
#include <algorithm>

#include "kernels/cpu/pool.h"
#include "kernels/cpu/pool_window.h"

namespace engine::cpu {
namespace {

// Calls body(image, p, pixels) for every position of `extents` in channels-last images, taken for
// windows: with the pixels of x that such a window meets.
template <class Body>
void for_each_window(const Pool& pool, const Extents3& extents, const Body& body) {
  const std::int64_t lines = pool.g.batch * extents[0] * extents[1];
  const std::int64_t grain = kElementGrain / 4 / (extents[2] * pool.g.channels + 1) + 1;
  parallel_for(lines, grain, [&](std::int64_t begin, std::int64_t end) {
    WindowPixels pixels;
    for (std::int64_t line = begin; line < end; ++line) {
      const std::int64_t plane = line / extents[1];
      const Side::Row row{plane / extents[0], {plane % extents[0], line % extents[1], 0}};
      for (Extents3 p = row.at; p[2] < extents[2]; ++p[2]) {
        pixels.count = 0;
        pool.each_element({row.image, p}, 0, pool.g.channels,
                          [&](std::int64_t offset, std::int64_t, std::int64_t, std::int64_t,
                              std::int64_t place) { pixels.add(offset, place); });
        body(row.image, p, pixels);
      }
    }
  });
}

template <class T>
SimpleCandidate::Launch max_windows(const Problem& problem) {
  return [pool = Pool(problem), epilogue = PoolAttributes::from(problem.attributes).epilogue](
             const LaunchArguments& arguments) {
    const T* x = arguments.inputs[0].as<T>();
    T* y = arguments.outputs[0].as<T>();
    std::uint8_t* index = arguments.outputs[1].as<std::uint8_t>();
    for_each_window(pool, pool.g.output,
                    [&](std::int64_t image, const Extents3& p, const WindowPixels& pixels) {
                      const std::int64_t at = pool.output.offset(image, p[0], p[1], p[2]);
                      max_window(x, pixels, pool.g.channels,
                                 epilogue.activation == Activation::relu, y + at, index + at);
                    });
    if (epilogue.dropout.rate > 0) drop_pooled(pool, epilogue.dropout, arguments);
  };
}

// Also of what is left of x behind the last window, which takes as many tiles as it needs.
template <class T>
SimpleCandidate::Launch tile_gradient(const Problem& problem) {
  Pool pool(problem);
  Extents3 tiles;
  for (std::size_t d = 0; d < 3; ++d)
    tiles[d] = (pool.g.input[d] + pool.g.extents[d] - 1) / pool.g.extents[d];
  return [pool = std::move(pool), tiles,
          scale = static_cast<float>(problem.attributes.real("scale"))](
             const LaunchArguments& arguments) {
    const T* dy = arguments.inputs[0].as<T>();
    const std::uint8_t* index = arguments.inputs[1].as<std::uint8_t>();
    T* dx = arguments.outputs[0].as<T>();
    const Extents3& windows = pool.g.output;
    for_each_window(
        pool, tiles, [&](std::int64_t image, const Extents3& p, const WindowPixels& pixels) {
          if (p[0] < windows[0] && p[1] < windows[1] && p[2] < windows[2]) {
            const std::int64_t at = pool.output.offset(image, p[0], p[1], p[2]);
            spread_window(dy + at, index + at, scale, pool.g.channels, pixels, dx);
          } else {
            for (int e = 0; e < pixels.count; ++e)
              std::fill_n(dx + pixels.offsets[static_cast<std::size_t>(e)], pool.g.channels, T(0));
          }
        });
  };
}

}  // namespace

bool pools_by_windows(const PoolGeometry& geometry) {
  return geometry.layout == Layout::channels_last && geometry.channels >= kWindowChannels;
}

SimpleCandidate::Launch prepare_max_windows(const Problem& problem) {
  return problem.inputs[0].dtype == DType::bf16 ? max_windows<bfloat16>(problem)
                                                : max_windows<float>(problem);
}

bool pools_by_tiles(const PoolGeometry& geometry) {
  return pools_by_windows(geometry) && geometry.window.stride == geometry.extents &&
         geometry.window.dilation == Extents3{1, 1, 1} &&
         geometry.window.padding_before == Extents3{0, 0, 0};
}

SimpleCandidate::Launch prepare_tile_gradient(const Problem& problem) {
  return problem.inputs[0].dtype == DType::bf16 ? tile_gradient<bfloat16>(problem)
                                                : tile_gradient<float>(problem);
}

}  // namespace engine::cpu
