// Pooling on the CPU, by lanes: neighbouring channels of channels-last images, else positions along
// the last dimension. Forward, every element of a window in turn updates the lanes that have it;
// backward, every element of x collects from the windows that have it, so that sums are f32 and
// nothing is written twice.
//
// Maxima of channels-last images, the usual case, go window by window (pool_window.h), backward
// only where windows have no pixel in common.
#include "kernels/pool.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/philox.h"
#include "kernels/cpu/pool_window.h"

namespace engine {
namespace cpu {
namespace {

constexpr std::int64_t kLanes = 512;

// The loops over lanes, whose elements of x or dx are `stride` apart.
template <class T>
ENGINE_SIMD_INLINE void max_loop(const T* x, std::int64_t stride, float* best, std::int32_t* index,
                                 std::int64_t count, std::int32_t place) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = x[i * stride], old = best[i];
    const bool first = index[i]<0, more = value> old, is_nan = value != value, had = old == old;
    const bool take = first | ((more | is_nan) & had);
    best[i] = take ? value : old;
    index[i] = take ? place : index[i];
  }
}

template <class T>
ENGINE_SIMD_INLINE void sum_loop(const T* x, std::int64_t stride, float* sum, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) sum[i] += static_cast<float>(x[i * stride]);
}

template <class T>
ENGINE_SIMD_INLINE void select_loop(const T* dy, const std::uint8_t* index, float* dx,
                                    std::int64_t stride, std::int64_t count, int place,
                                    float scale) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i)
    dx[i * stride] += index[i] == place ? static_cast<float>(dy[i]) * scale : 0.0f;
}

template <class T>
ENGINE_SIMD_INLINE void share_loop(const T* dy, const float* share, std::int64_t share_stride,
                                   float* dx, std::int64_t stride, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i)
    dx[i * stride] += static_cast<float>(dy[i]) / share[i * share_stride];
}

// SIMD clones cannot be made of templates. Lanes that are neighbours have a loop of their own.
#define ENGINE_LOOPS(T)                                                                            \
  ENGINE_SIMD_CLONES void max_lanes(const T* x, std::int64_t stride, float* best,                  \
                                    std::int32_t* index, std::int64_t count, std::int32_t place) { \
    if (stride == 1) return max_loop(x, 1, best, index, count, place);                             \
    max_loop(x, stride, best, index, count, place);                                                \
  }                                                                                                \
  ENGINE_SIMD_CLONES void sum_lanes(const T* x, std::int64_t stride, float* sum,                   \
                                    std::int64_t count) {                                          \
    if (stride == 1) return sum_loop(x, 1, sum, count);                                            \
    sum_loop(x, stride, sum, count);                                                               \
  }                                                                                                \
  ENGINE_SIMD_CLONES void select_lanes(const T* dy, const std::uint8_t* index, float* dx,          \
                                       std::int64_t stride, std::int64_t count, int place,         \
                                       float scale) {                                              \
    if (stride == 1) return select_loop(dy, index, dx, 1, count, place, scale);                    \
    select_loop(dy, index, dx, stride, count, place, scale);                                       \
  }                                                                                                \
  ENGINE_SIMD_CLONES void share_lanes(const T* dy, const float* share, std::int64_t share_stride,  \
                                      float* dx, std::int64_t stride, std::int64_t count) {        \
    if (stride == 1 && share_stride == 0) return share_loop(dy, share, 0, dx, 1, count);           \
    share_loop(dy, share, share_stride, dx, stride, count);                                        \
  }
ENGINE_LOOPS(float)
ENGINE_LOOPS(bfloat16)
#undef ENGINE_LOOPS

ENGINE_SIMD_CLONES
void finish_max(float* best, const std::int32_t* places, std::uint8_t* index, std::int64_t count,
                bool relu) {
  for (std::int64_t i = 0; i < count; ++i) {
    const bool flat = relu & !(best[i] > 0);
    best[i] = (relu & (best[i] <= 0)) ? 0.0f : best[i];
    index[i] = static_cast<std::uint8_t>(flat ? kNoIndex : places[i] < 0 ? kNoIndex : places[i]);
  }
}

void store(const float* from, float* to, std::int64_t count) {
  std::copy_n(from, count, to);
}
void store(const float* from, bfloat16* to, std::int64_t count) {
  narrow(from, to, count);
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Where lanes run over images of one side, input or output, of a pooling.
struct Side {
  Extents3 extents;
  std::int64_t channels;
  bool last;

  std::int64_t lanes() const { return last ? channels : extents[2]; }
  std::int64_t rows(std::int64_t batch) const {
    return batch * extents[0] * extents[1] * (last ? extents[2] : channels);
  }
  /// Row `row` of lanes: its observation, or channel of one, and coordinates.
  struct Row {
    std::int64_t image;
    Extents3 at;
  };
  Row row(std::int64_t row) const {
    const std::int64_t inner = last ? extents[2] : 1;
    const std::int64_t k = row % inner, j = row / inner % extents[1];
    const std::int64_t plane = row / inner / extents[1];
    return {plane / extents[0], {plane % extents[0], j, k}};
  }
  /// The offset of the element at these coordinates, in the first channel of channels-last images.
  std::int64_t offset(std::int64_t image, std::int64_t i, std::int64_t j, std::int64_t k) const {
    return (((image * extents[0] + i) * extents[1] + j) * extents[2] + k) * (last ? channels : 1);
  }
};

struct Pool {
  PoolGeometry g;
  Side input, output;
  std::array<std::vector<float>, 3> counts;

  explicit Pool(const Problem& problem)
      : g(PoolGeometry::of(problem)),
        input{g.input, g.channels, g.layout == Layout::channels_last},
        output{g.output, g.channels, input.last},
        counts{g.counts(0), g.counts(1), g.counts(2)} {}

  std::int64_t place(const Extents3& r) const {
    return (r[0] * g.extents[1] + r[1]) * g.extents[2] + r[2];
  }
  /// The coordinate in x of element r of window p, along dimension d.
  std::int64_t coordinate(std::size_t d, std::int64_t p, std::int64_t r) const {
    return p * g.window.stride[d] + r * g.window.dilation[d] - g.window.padding_before[d];
  }
  bool meets(std::size_t d, std::int64_t p, std::int64_t r) const {
    const std::int64_t s = coordinate(d, p, r);
    return s >= 0 && s < g.input[d];
  }
  /// The window whose element r is at coordinate s, or -1.
  std::int64_t window_at(std::size_t d, std::int64_t s, std::int64_t r) const {
    const std::int64_t from = s - coordinate(d, 0, r), stride = g.window.stride[d];
    return from < 0 || from % stride != 0 || from / stride >= g.output[d] ? -1 : from / stride;
  }
  /// The windows [begin, end) along the last dimension whose element r is in [first, last) of x.
  std::pair<std::int64_t, std::int64_t> windows(std::int64_t r, std::int64_t first,
                                                std::int64_t last) const {
    const std::int64_t start = coordinate(2, 0, r), stride = g.window.stride[2];
    return {std::max<std::int64_t>(0, floor_div(first - start + stride - 1, stride)),
            std::min(g.output[2], floor_div(last - 1 - start, stride) + 1)};
  }

  /// Calls body(offset in x, stride, first lane, lanes, place) for each element of the windows of
  /// `count` lanes from `first` on.
  template <class Body>
  void each_element(const Side::Row& row, std::int64_t first, std::int64_t count,
                    const Body& body) const {
    const auto& p = row.at;
    for (std::int64_t i = 0; i < g.extents[0]; ++i)
      for (std::int64_t j = 0; j < g.extents[1]; ++j) {
        if (!meets(0, p[0], i) || !meets(1, p[1], j)) continue;
        const std::int64_t s0 = coordinate(0, p[0], i), s1 = coordinate(1, p[1], j);
        for (std::int64_t k = 0; k < g.extents[2]; ++k) {
          if (input.last) {
            if (meets(2, p[2], k))
              body(input.offset(row.image, s0, s1, coordinate(2, p[2], k)) + first, 1, 0, count,
                   place({i, j, k}));
            continue;
          }
          const auto [from, to] = windows(k, 0, g.input[2]);
          const std::int64_t begin = std::max(from, first), end = std::min(to, first + count);
          if (begin < end)
            body(input.offset(row.image, s0, s1, coordinate(2, begin, k)), g.window.stride[2],
                 begin - first, end - begin, place({i, j, k}));
        }
      }
  }

  /// Calls body(offset in y, first lane, stride, windows, place, p) for each window that has lanes
  /// of x, `count` of them from `first` on, where p is the first such window.
  template <class Body>
  void each_window(const Side::Row& row, std::int64_t first, std::int64_t count,
                   const Body& body) const {
    const auto& s = row.at;
    for (std::int64_t i = 0; i < g.extents[0]; ++i)
      for (std::int64_t j = 0; j < g.extents[1]; ++j) {
        const std::int64_t p0 = window_at(0, s[0], i), p1 = window_at(1, s[1], j);
        if (p0 < 0 || p1 < 0) continue;
        for (std::int64_t k = 0; k < g.extents[2]; ++k) {
          if (input.last) {
            const std::int64_t p2 = window_at(2, s[2], k);
            if (p2 >= 0)
              body(output.offset(row.image, p0, p1, p2) + first, 0, 1, count, place({i, j, k}),
                   Extents3{p0, p1, p2});
            continue;
          }
          const auto [begin, end] = windows(k, first, first + count);
          if (begin < end)
            body(output.offset(row.image, p0, p1, begin), coordinate(2, begin, k) - first,
                 g.window.stride[2], end - begin, place({i, j, k}), Extents3{p0, p1, begin});
        }
      }
  }
};

// Calls body(row, first lane, lanes, offset) for all lanes of `side` on all threads, at most kLanes
// at a time.
template <class Body>
void for_each_lanes(const Side& side, std::int64_t batch, const Body& body) {
  const std::int64_t lanes = side.lanes();
  if (lanes == 0) return;
  parallel_for(
      side.rows(batch), kElementGrain / 4 / lanes + 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
          for (std::int64_t first = 0; first < lanes; first += kLanes)
            body(side.row(row), first, std::min(kLanes, lanes - first), row * lanes + first);
      });
}

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

// Drop-out of what the loops before have left.
template <class T>
void drop_all(const Pool& pool, const DropoutAttributes& dropout,
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
SimpleCandidate::Launch prepare_max_windows(const Problem& problem) {
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
    if (epilogue.dropout.rate > 0) drop_all<T>(pool, epilogue.dropout, arguments);
  };
}

template <class T>
SimpleCandidate::Launch prepare_max(const Problem& problem) {
  const PoolGeometry geometry = PoolGeometry::of(problem);
  if (geometry.layout == Layout::channels_last && geometry.channels >= kWindowChannels)
    return prepare_max_windows<T>(problem);
  return [pool = Pool(problem), epilogue = PoolAttributes::from(problem.attributes).epilogue](
             const LaunchArguments& arguments) {
    const T* x = arguments.inputs[0].as<T>();
    for_each_lanes(
        pool.output, pool.g.batch,
        [&](const Side::Row& row, std::int64_t first, std::int64_t count, std::int64_t offset) {
          alignas(64) float best[kLanes];
          alignas(64) std::int32_t places[kLanes];
          std::fill_n(best, count, -std::numeric_limits<float>::infinity());
          std::fill_n(places, count, -1);
          pool.each_element(row, first, count,
                            [&](std::int64_t from, std::int64_t stride, std::int64_t lane,
                                std::int64_t lanes, std::int64_t place) {
                              max_lanes(x + from, stride, best + lane, places + lane, lanes,
                                        static_cast<std::int32_t>(place));
                            });
          finish_max(best, places, arguments.outputs[1].as<std::uint8_t>() + offset, count,
                     epilogue.activation == Activation::relu);
          store(best, arguments.outputs[0].as<T>() + offset, count);
        });
    if (epilogue.dropout.rate > 0) drop_all<T>(pool, epilogue.dropout, arguments);
  };
}

template <class T>
SimpleCandidate::Launch prepare_average(const Problem& problem) {
  return [pool = Pool(problem)](const LaunchArguments& arguments) {
    const T* x = arguments.inputs[0].as<T>();
    for_each_lanes(
        pool.output, pool.g.batch,
        [&](const Side::Row& row, std::int64_t first, std::int64_t count, std::int64_t offset) {
          alignas(64) float sum[kLanes];
          std::fill_n(sum, count, 0.0f);
          pool.each_element(
              row, first, count,
              [&](std::int64_t from, std::int64_t stride, std::int64_t lane, std::int64_t lanes,
                  std::int64_t) { sum_lanes(x + from, stride, sum + lane, lanes); });
          const auto share = [&](std::size_t d, std::int64_t p) {
            return std::max(1.0f, pool.counts[d][static_cast<std::size_t>(p)]);
          };
          const float outer = share(0, row.at[0]) * share(1, row.at[1]);
          for (std::int64_t i = 0; i < count; ++i)
            sum[i] /= outer * share(2, pool.input.last ? row.at[2] : first + i);
          store(sum, arguments.outputs[0].as<T>() + offset, count);
        });
  };
}

// dx from sums over windows, which `collect` adds to lanes as each_window() calls it.
template <class T, class Collect>
void gather_gradient(const Pool& pool, const LaunchArguments& arguments, const Collect& collect) {
  for_each_lanes(
      pool.input, pool.g.batch,
      [&](const Side::Row& row, std::int64_t first, std::int64_t count, std::int64_t offset) {
        alignas(64) float dx[kLanes];
        std::fill_n(dx, count, 0.0f);
        pool.each_window(row, first, count,
                         [&](std::int64_t from, std::int64_t lane, std::int64_t stride,
                             std::int64_t windows, std::int64_t place, const Extents3& p) {
                           collect(from, dx + lane, stride, windows, place, p);
                         });
        store(dx, arguments.outputs[0].as<T>() + offset, count);
      });
}

// Whether the windows tile x from its first element on.
bool windows_tile(const PoolGeometry& g) {
  return g.window.stride == g.extents && g.window.dilation == Extents3{1, 1, 1} &&
         g.window.padding_before == Extents3{0, 0, 0};
}

// Also of what is left of x behind the last window, which takes as many tiles as it needs.
template <class T>
SimpleCandidate::Launch prepare_tile_gradient(const Problem& problem) {
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

template <class T>
SimpleCandidate::Launch prepare_max_gradient(const Problem& problem) {
  const PoolGeometry geometry = PoolGeometry::of(problem);
  if (geometry.layout == Layout::channels_last && geometry.channels >= kWindowChannels &&
      windows_tile(geometry))
    return prepare_tile_gradient<T>(problem);
  return [pool = Pool(problem), scale = static_cast<float>(problem.attributes.real("scale"))](
             const LaunchArguments& arguments) {
    const T* dy = arguments.inputs[0].as<T>();
    const std::uint8_t* index = arguments.inputs[1].as<std::uint8_t>();
    gather_gradient<T>(pool, arguments,
                       [&](std::int64_t from, float* dx, std::int64_t stride, std::int64_t windows,
                           std::int64_t place, const Extents3&) {
                         select_lanes(dy + from, index + from, dx, stride, windows,
                                      static_cast<int>(place), scale);
                       });
  };
}

template <class T>
SimpleCandidate::Launch prepare_average_gradient(const Problem& problem) {
  return [pool = Pool(problem)](const LaunchArguments& arguments) {
    const T* dy = arguments.inputs[0].as<T>();
    gather_gradient<T>(pool, arguments,
                       [&](std::int64_t from, float* dx, std::int64_t stride, std::int64_t windows,
                           std::int64_t, const Extents3& p) {
                         const float outer = pool.counts[0][static_cast<std::size_t>(p[0])] *
                                             pool.counts[1][static_cast<std::size_t>(p[1])];
                         const float* counts = pool.counts[2].data() + p[2];
                         alignas(64) float share[kLanes];
                         const std::int64_t shares = pool.input.last ? 1 : windows;
                         for (std::int64_t i = 0; i < shares; ++i) share[i] = outer * counts[i];
                         share_lanes(dy + from, share, pool.input.last ? 0 : 1, dx, stride,
                                     windows);
                       });
  };
}

void add(CandidateRegistry& registry, const char* op,
         SimpleCandidate::Launch (*wide)(const Problem&),
         SimpleCandidate::Launch (*narrow)(const Problem&)) {
  registry.add(SimpleCandidate{.op = op,
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = [wide, narrow](const Problem& problem) {
                                 return problem.inputs[0].dtype == DType::bf16 ? narrow(problem)
                                                                               : wide(problem);
                               }});
}

}  // namespace
}  // namespace cpu

void register_pool_cpu(CandidateRegistry& registry) {
  cpu::add(registry, "max_pool", cpu::prepare_max<float>, cpu::prepare_max<bfloat16>);
  cpu::add(registry, "average_pool", cpu::prepare_average<float>, cpu::prepare_average<bfloat16>);
  cpu::add(registry, "max_pool_gradient", cpu::prepare_max_gradient<float>,
           cpu::prepare_max_gradient<bfloat16>);
  cpu::add(registry, "average_pool_gradient", cpu::prepare_average_gradient<float>,
           cpu::prepare_average_gradient<bfloat16>);
}

}  // namespace engine
