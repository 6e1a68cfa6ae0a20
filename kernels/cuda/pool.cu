// Pooling on a CUDA device. A thread has one element of the result, or the four neighbouring
// channels of a channels-last one; backward it collects from the windows that have its element, so
// that sums are f32 and nothing is written twice.
#include "kernels/pool.h"

#include <cmath>
#include <type_traits>

#include "engine/tune/registry.h"
#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/quad.cuh"

namespace engine {
namespace cuda {
namespace {

struct Images {
  int extents[3];
  std::int64_t channel, position;  ///< strides

  static Images of(const Extents3& extents, std::int64_t channels, Layout layout) {
    const bool last = layout == Layout::channels_last;
    return {
        {static_cast<int>(extents[0]), static_cast<int>(extents[1]), static_cast<int>(extents[2])},
        last ? 1 : extents[0] * extents[1] * extents[2],
        last ? channels : 1};
  }
  __host__ __device__ std::int64_t positions() const {
    return std::int64_t{extents[0]} * extents[1] * extents[2];
  }
};

struct Pool {
  std::int64_t batch, channels;
  Images x, y;
  int window[3], stride[3], dilation[3], before[3];
  bool last;

  static Pool of(const Problem& problem) {
    const auto g = PoolGeometry::of(problem);
    Pool pool{g.batch,
              g.channels,
              Images::of(g.input, g.channels, g.layout),
              Images::of(g.output, g.channels, g.layout),
              {},
              {},
              {},
              {},
              g.layout == Layout::channels_last};
    for (std::size_t d = 0; d < 3; ++d) {
      pool.window[d] = static_cast<int>(g.extents[d]);
      pool.stride[d] = static_cast<int>(g.window.stride[d]);
      pool.dilation[d] = static_cast<int>(g.window.dilation[d]);
      pool.before[d] = static_cast<int>(g.window.padding_before[d]);
    }
    return pool;
  }

  __device__ int coordinate(int d, int p, int r) const {
    return p * stride[d] + r * dilation[d] - before[d];
  }
  __device__ int count(int d, int p) const {
    int elements = 0;
    for (int r = 0; r < window[d]; ++r) {
      const int s = coordinate(d, p, r);
      elements += s >= 0 && s < x.extents[d] ? 1 : 0;
    }
    return elements;
  }
  /// The window whose element r is at s, or -1.
  __device__ int window_at(int d, int s, int r) const {
    const int from = s + before[d] - r * dilation[d];
    return from < 0 || from % stride[d] != 0 || from / stride[d] >= y.extents[d] ? -1
                                                                                 : from / stride[d];
  }
};

/// What a thread has: kWidth channels at one position of `images`.
template <int kWidth>
struct Site {
  std::int64_t image, channel, flat;
  int at[3];

  __device__ Site(const Pool& pool, const Images& images, std::int64_t index) {
    const std::int64_t positions = images.positions(), groups = pool.channels / kWidth;
    if (pool.last) {
      channel = index % groups * kWidth;
      flat = index / groups % positions;
    } else {
      flat = index % positions;
      channel = index / positions % pool.channels;
    }
    image = index / (positions * groups);
    at[2] = static_cast<int>(flat % images.extents[2]);
    at[1] = static_cast<int>(flat / images.extents[2] % images.extents[1]);
    at[0] = static_cast<int>(flat / images.extents[2] / images.extents[1]);
  }
  /// Where its first channel starts in `images`, at their position `place`.
  __device__ std::int64_t offset(const Pool& pool, const Images& images, std::int64_t place) const {
    return image * pool.channels * images.positions() + channel * images.channel +
           place * images.position;
  }
};

template <int kWidth, class T>
__device__ void store(T* to, const float (&from)[kWidth]) {
  if constexpr (kWidth == 4)
    store_floats(to, make_float4(from[0], from[1], from[2], from[3]));
  else
    *to = T(from[0]);
}

// Places of four channels are accessed as one word.
template <int kWidth>
__device__ void load_places(const std::uint8_t* from, int (&to)[kWidth]) {
  if constexpr (kWidth == 4) {
    const std::uint32_t word = *reinterpret_cast<const std::uint32_t*>(from);
#pragma unroll
    for (int c = 0; c < 4; ++c) to[c] = static_cast<int>(word >> 8 * c & 0xff);
  } else {
    to[0] = *from;
  }
}
template <int kWidth>
__device__ void store_places(std::uint8_t* to, const int (&from)[kWidth]) {
  if constexpr (kWidth == 4) {
    std::uint32_t word = 0;
#pragma unroll
    for (int c = 0; c < 4; ++c) word |= static_cast<std::uint32_t>(from[c]) << 8 * c;
    *reinterpret_cast<std::uint32_t*>(to) = word;
  } else {
    *to = static_cast<std::uint8_t>(from[0]);
  }
}

/// Calls body(position in x, place in the window) for the elements of x in window `p`.
template <class Body>
__device__ void each_element(const Pool& pool, const int (&p)[3], const Body& body) {
  int place = 0;
  for (int i = 0; i < pool.window[0]; ++i)
    for (int j = 0; j < pool.window[1]; ++j)
      for (int k = 0; k < pool.window[2]; ++k, ++place) {
        const int s0 = pool.coordinate(0, p[0], i), s1 = pool.coordinate(1, p[1], j);
        const int s2 = pool.coordinate(2, p[2], k);
        if (s0 < 0 || s0 >= pool.x.extents[0] || s1 < 0 || s1 >= pool.x.extents[1] || s2 < 0 ||
            s2 >= pool.x.extents[2])
          continue;
        body((std::int64_t{s0} * pool.x.extents[1] + s1) * pool.x.extents[2] + s2, place);
      }
}

/// Calls body(window, position in y, place in the window) for the windows that have x at `s`.
template <class Body>
__device__ void each_window(const Pool& pool, const int (&s)[3], const Body& body) {
  int place = 0;
  for (int i = 0; i < pool.window[0]; ++i)
    for (int j = 0; j < pool.window[1]; ++j)
      for (int k = 0; k < pool.window[2]; ++k, ++place) {
        const int p[3] = {pool.window_at(0, s[0], i), pool.window_at(1, s[1], j),
                          pool.window_at(2, s[2], k)};
        if (p[0] < 0 || p[1] < 0 || p[2] < 0) continue;
        body(p, (std::int64_t{p[0]} * pool.y.extents[1] + p[1]) * pool.y.extents[2] + p[2], place);
      }
}

template <int kWidth, class T>
__global__ void max_kernel(Pool pool, bool relu, DropoutMask mask, std::int64_t count, const T* x,
                           T* y, std::uint8_t* index) {
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const Site<kWidth> site(pool, pool.y, i);
    float best[kWidth];
    int places[kWidth];
#pragma unroll
    for (int c = 0; c < kWidth; ++c) {
      best[c] = -INFINITY;
      places[c] = kNoIndex;
    }
    each_element(pool, site.at, [&](std::int64_t position, int place) {
      float values[kWidth];
      load_floats(x + site.offset(pool, pool.x, position), values);
#pragma unroll
      for (int c = 0; c < kWidth; ++c) {
        const bool more = values[c] > best[c] || values[c] != values[c];
        if (places[c] != kNoIndex && (best[c] != best[c] || !more)) continue;
        best[c] = values[c];
        places[c] = place;
      }
    });
    const std::int64_t at = site.offset(pool, pool.y, site.flat);
#pragma unroll
    for (int c = 0; c < kWidth; ++c) {
      if (relu && !(best[c] > 0.0f)) places[c] = kNoIndex;
      if (relu && best[c] <= 0.0f) best[c] = 0.0f;
      if (mask.step != nullptr) {
        const auto element = static_cast<std::uint64_t>(
            (site.image * pool.channels + site.channel + c) * pool.y.positions() + site.flat);
        // Of 1, the mask: 0 or the scale.
        const float kept = mask.apply(1.0f, element);
        best[c] = kept == 0.0f ? 0.0f : best[c] * kept;
        if (kept == 0.0f) places[c] = kNoIndex;
      }
    }
    store_places(index + at, places);
    store(y + at, best);
  }
}

template <int kWidth, class T>
__global__ void average_kernel(Pool pool, std::int64_t count, const T* x, T* y) {
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const Site<kWidth> site(pool, pool.y, i);
    float sum[kWidth] = {};
    int elements = 0;
    each_element(pool, site.at, [&](std::int64_t position, int) {
      float values[kWidth];
      load_floats(x + site.offset(pool, pool.x, position), values);
      ++elements;
#pragma unroll
      for (int c = 0; c < kWidth; ++c) sum[c] += values[c];
    });
#pragma unroll
    for (int c = 0; c < kWidth; ++c) sum[c] /= static_cast<float>(elements > 0 ? elements : 1);
    store(y + site.offset(pool, pool.y, site.flat), sum);
  }
}

template <int kWidth, class T>
__global__ void max_gradient_kernel(Pool pool, float scale, std::int64_t count, const T* dy,
                                    const std::uint8_t* index, T* dx) {
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const Site<kWidth> site(pool, pool.x, i);
    float sum[kWidth] = {};
    each_window(pool, site.at, [&](const int(&)[3], std::int64_t position, int place) {
      const std::int64_t at = site.offset(pool, pool.y, position);
      float values[kWidth];
      int places[kWidth];
      load_floats(dy + at, values);
      load_places(index + at, places);
#pragma unroll
      for (int c = 0; c < kWidth; ++c)
        if (places[c] == place) sum[c] += values[c] * scale;
    });
    store(dx + site.offset(pool, pool.x, site.flat), sum);
  }
}

template <int kWidth, class T>
__global__ void average_gradient_kernel(Pool pool, std::int64_t count, const T* dy, T* dx) {
  for (std::int64_t i = global_thread(); i < count; i += global_thread_count()) {
    const Site<kWidth> site(pool, pool.x, i);
    float sum[kWidth] = {};
    each_window(pool, site.at, [&](const int(&p)[3], std::int64_t position, int) {
      const auto share =
          static_cast<float>(pool.count(0, p[0]) * pool.count(1, p[1]) * pool.count(2, p[2]));
      float values[kWidth];
      load_floats(dy + site.offset(pool, pool.y, position), values);
#pragma unroll
      for (int c = 0; c < kWidth; ++c) sum[c] += values[c] / share;
    });
    store(dx + site.offset(pool, pool.x, site.flat), sum);
  }
}

/// Calls body(width, threads) with the channels a thread may take, as a constant: four where they
/// are neighbours and every operand, of T but for `index`, is so aligned.
template <class T, class Body>
void with_width(const Pool& pool, const LaunchArguments& launch, const std::uint8_t* index,
                const Body& body) {
  const std::int64_t count = launch.outputs[0].type.element_count();
  const bool quads = pool.last && pool.channels % 4 == 0 &&
                     is_aligned_for_4(launch.inputs[0].as<T>()) &&
                     is_aligned_for_4(launch.outputs[0].as<T>()) && is_aligned_for_4(index);
  if (quads)
    body(std::integral_constant<int, 4>{}, count / 4);
  else
    body(std::integral_constant<int, 1>{}, count);
}

template <class... Parameters, class... Arguments>
void run_pool(const char* name, void (*kernel)(Parameters...), const LaunchArguments& launch,
              std::int64_t count, const Arguments&... arguments) {
  run(name, kernel, blocks_for(count, kBlockThreads), kBlockThreads, native_stream(launch.stream),
      arguments...);
}

template <class T>
SimpleCandidate::Launch prepare_max(const Problem& problem) {
  return [pool = Pool::of(problem), epilogue = PoolAttributes::from(problem.attributes).epilogue](
             const LaunchArguments& launch) {
    const bool relu = epilogue.activation == Activation::relu;
    const DropoutMask mask =
        epilogue.dropout.rate > 0
            ? DropoutMask::of(epilogue.dropout, launch.inputs[1].as<std::int64_t>())
            : DropoutMask{};
    with_width<T>(pool, launch, launch.outputs[1].as<std::uint8_t>(),
                  [&](auto width, std::int64_t count) {
                    run_pool("max_pool", max_kernel<decltype(width)::value, T>, launch, count, pool,
                             relu, mask, count, launch.inputs[0].as<T>(), launch.outputs[0].as<T>(),
                             launch.outputs[1].as<std::uint8_t>());
                  });
  };
}

template <class T>
SimpleCandidate::Launch prepare_average(const Problem& problem) {
  return [pool = Pool::of(problem)](const LaunchArguments& launch) {
    with_width<T>(pool, launch, nullptr, [&](auto width, std::int64_t count) {
      run_pool("average_pool", average_kernel<decltype(width)::value, T>, launch, count, pool,
               count, launch.inputs[0].as<T>(), launch.outputs[0].as<T>());
    });
  };
}

template <class T>
SimpleCandidate::Launch prepare_max_gradient(const Problem& problem) {
  return [pool = Pool::of(problem), scale = static_cast<float>(problem.attributes.real("scale"))](
             const LaunchArguments& launch) {
    with_width<T>(pool, launch, launch.inputs[1].as<std::uint8_t>(),
                  [&](auto width, std::int64_t count) {
                    run_pool("max_pool_gradient", max_gradient_kernel<decltype(width)::value, T>,
                             launch, count, pool, scale, count, launch.inputs[0].as<T>(),
                             launch.inputs[1].as<std::uint8_t>(), launch.outputs[0].as<T>());
                  });
  };
}

template <class T>
SimpleCandidate::Launch prepare_average_gradient(const Problem& problem) {
  return [pool = Pool::of(problem)](const LaunchArguments& launch) {
    with_width<T>(pool, launch, nullptr, [&](auto width, std::int64_t count) {
      run_pool("average_pool_gradient", average_gradient_kernel<decltype(width)::value, T>, launch,
               count, pool, count, launch.inputs[0].as<T>(), launch.outputs[0].as<T>());
    });
  };
}

std::string refuse(const Problem& problem) {
  constexpr std::int64_t kMost = 1 << 28;
  const auto g = PoolGeometry::of(problem);
  for (std::size_t d = 0; d < 3; ++d)
    if (g.input[d] + g.window.padding_before[d] + g.window.padding_after[d] > kMost ||
        g.extents[d] * g.window.dilation[d] > kMost || g.window.stride[d] > kMost)
      return "an extent of more than 2^28 with its padding";
  return "";
}

void add(CandidateRegistry& registry, const char* op,
         SimpleCandidate::Launch (*wide)(const Problem&),
         SimpleCandidate::Launch (*narrow)(const Problem&)) {
  registry.add(SimpleCandidate{.op = op,
                               .backend = "cuda",
                               .id = "cuda.simt",
                               .prepare =
                                   [wide, narrow](const Problem& problem) {
                                     return problem.inputs.at(0).dtype == DType::bf16
                                                ? narrow(problem)
                                                : wide(problem);
                                   },
                               .refuse = refuse});
}

}  // namespace
}  // namespace cuda

void register_pool_cuda(CandidateRegistry& registry) {
  cuda::add(registry, "max_pool", cuda::prepare_max<float>, cuda::prepare_max<bfloat16>);
  cuda::add(registry, "average_pool", cuda::prepare_average<float>,
            cuda::prepare_average<bfloat16>);
  cuda::add(registry, "max_pool_gradient", cuda::prepare_max_gradient<float>,
            cuda::prepare_max_gradient<bfloat16>);
  cuda::add(registry, "average_pool_gradient", cuda::prepare_average_gradient<float>,
            cuda::prepare_average_gradient<bfloat16>);
}

}  // namespace engine
