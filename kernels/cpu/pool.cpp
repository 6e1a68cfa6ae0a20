// Pooling on the CPU, by lanes: neighbouring channels of channels-last images, else positions along
// the last dimension. Forward, every element of a window in turn updates the lanes that have it;
// backward, every element of x collects from the windows that have it, so that sums are f32 and
// nothing is written twice.
//
// Maxima of channels-last images, the usual case, go window by window (pool_windows.cpp), backward
// only where windows have no pixel in common.
#include "kernels/cpu/pool.h"

#include <algorithm>
#include <limits>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"

namespace engine {
namespace cpu {
namespace {

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

template <class T>
SimpleCandidate::Launch prepare_max(const Problem& problem) {
  if (pools_by_windows(PoolGeometry::of(problem))) return prepare_max_windows(problem);
  return [pool = Pool(problem), epilogue = PoolAttributes::from(problem.attributes).epilogue](
             const LaunchArguments& arguments) {
    const T* x = arguments.inputs[0].as<T>();
    for_each_lanes(
        pool.output, pool.g.batch,
        [&](const Side::Row& row, std::int64_t first, std::int64_t count, std::int64_t offset) {
          alignas(64) float best[kPoolLanes];
          alignas(64) std::int32_t places[kPoolLanes];
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
    if (epilogue.dropout.rate > 0) drop_pooled(pool, epilogue.dropout, arguments);
  };
}

template <class T>
SimpleCandidate::Launch prepare_average(const Problem& problem) {
  return [pool = Pool(problem)](const LaunchArguments& arguments) {
    const T* x = arguments.inputs[0].as<T>();
    for_each_lanes(
        pool.output, pool.g.batch,
        [&](const Side::Row& row, std::int64_t first, std::int64_t count, std::int64_t offset) {
          alignas(64) float sum[kPoolLanes];
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
        alignas(64) float dx[kPoolLanes];
        std::fill_n(dx, count, 0.0f);
        pool.each_window(row, first, count,
                         [&](std::int64_t from, std::int64_t lane, std::int64_t stride,
                             std::int64_t windows, std::int64_t place, const Extents3& p) {
                           collect(from, dx + lane, stride, windows, place, p);
                         });
        store(dx, arguments.outputs[0].as<T>() + offset, count);
      });
}

template <class T>
SimpleCandidate::Launch prepare_max_gradient(const Problem& problem) {
  if (pools_by_tiles(PoolGeometry::of(problem))) return prepare_tile_gradient(problem);
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
                         alignas(64) float share[kPoolLanes];
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
