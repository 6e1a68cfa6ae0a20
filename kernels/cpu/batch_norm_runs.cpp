// Batch normalization where the elements of a channel come in runs, images stored row-major: a
// thread takes whole channels, one after the other, so that sums are taken in one order.
#include <algorithm>
#include <initializer_list>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/batch_norm.h"
#include "kernels/cpu/lanes.h"

namespace engine::cpu {
namespace {

using Operands = BatchNormOperands;

// The sum of term(offset) over the channel.
template <class F>
ENGINE_SIMD_INLINE double sum(const Operands& o, std::int64_t channel, const F& term) {
  double total = 0;
  for (std::int64_t row = 0; row < o.n.batch; ++row) {
    const std::int64_t first = (row * o.n.channels + channel) * o.n.spatial;
    total += sum_terms(o.n.spatial, [&](std::int64_t i) { return term(first + i); });
  }
  return total;
}

// Calls body(offset) for the elements of the channel.
template <class F>
ENGINE_SIMD_INLINE void each(const Operands& o, std::int64_t channel, const F& body) {
  for (std::int64_t row = 0; row < o.n.batch; ++row) {
    const std::int64_t first = (row * o.n.channels + channel) * o.n.spatial;
    ENGINE_SIMD_LOOP
    for (std::int64_t i = 0; i < o.n.spatial; ++i) body(first + i);
  }
}

ENGINE_SIMD_CLONES
void moments(const Operands& o, std::int64_t begin, std::int64_t end) {
  const float* x = o.x;
  const double scale = o.n.count() == 0 ? 0 : 1.0 / static_cast<double>(o.n.count());
  for (std::int64_t c = begin; c < end; ++c) {
    const double mean = sum(o, c, [=](std::int64_t at) { return double{x[at]}; }) * scale;
    const double squares = sum(o, c, [=](std::int64_t at) {
      const double deviation = x[at] - mean;
      return deviation * deviation;
    });
    o.store_moments(c, mean, squares * scale);
  }
}

ENGINE_SIMD_CLONES
void normalize(const Operands& o, std::int64_t begin, std::int64_t end) {
  const float* x = o.x;
  float* y = o.out;
  for (std::int64_t c = begin; c < end; ++c) {
    const float mean = o.mean[c], inverse = o.inverse(c), gamma = o.gamma[c], beta = o.beta[c];
    each(o, c, [=](std::int64_t at) { y[at] = (x[at] - mean) * inverse * gamma + beta; });
  }
}

ENGINE_SIMD_CLONES
void gradient_sums(const Operands& o, std::int64_t begin, std::int64_t end) {
  const float *x = o.x, *dy = o.dy;
  for (std::int64_t c = begin; c < end; ++c) {
    const float mean = o.mean[c], inverse = o.inverse(c);
    o.dgamma[c] = static_cast<float>(
        sum(o, c, [=](std::int64_t at) { return double{dy[at] * ((x[at] - mean) * inverse)}; }));
    o.dbeta[c] = static_cast<float>(sum(o, c, [=](std::int64_t at) { return double{dy[at]}; }));
  }
}

ENGINE_SIMD_CLONES
void apply_gradient(const Operands& o, std::int64_t begin, std::int64_t end) {
  const float *x = o.x, *dy = o.dy;
  float* dx = o.out;
  const auto count = static_cast<float>(o.n.count());
  for (std::int64_t c = begin; c < end; ++c) {
    const float mean = o.mean[c], inverse = o.inverse(c), factor = o.gamma[c] * inverse;
    const float dy_mean = o.dbeta[c] / count, dyx_mean = o.dgamma[c] / count;
    each(o, c, [=](std::int64_t at) {
      dx[at] = factor * (dy[at] - dy_mean - (x[at] - mean) * inverse * dyx_mean);
    });
  }
}

ENGINE_SIMD_CLONES
void scale(const Operands& o, std::int64_t begin, std::int64_t end) {
  const float* dy = o.dy;
  float* dx = o.out;
  for (std::int64_t c = begin; c < end; ++c) {
    const float factor = o.gamma[c] * o.inverse(c);
    each(o, c, [=](std::int64_t at) { dx[at] = dy[at] * factor; });
  }
}

using ChannelFunction = void (*)(const Operands& o, std::int64_t begin, std::int64_t end);

// The functions, one after the other, on ranges of channels on all threads.
void run(const Operands& o, std::initializer_list<ChannelFunction> functions) {
  const std::int64_t grain =
      std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, o.n.count()));
  parallel_for(o.n.channels, grain, [&](std::int64_t begin, std::int64_t end) {
    const FlushDenormals flush;
    for (const ChannelFunction function : functions) function(o, begin, end);
  });
}

}  // namespace

const BatchNormLoops& batch_norm_runs() {
  static const BatchNormLoops loops{[](const Operands& o) {
                                      run(o, {moments, normalize});
                                    },
                                    [](const Operands& o) {
                                      run(o, {gradient_sums, apply_gradient});
                                    },
                                    [](const Operands& o) { run(o, {normalize}); },
                                    [](const Operands& o) { run(o, {scale}); },
                                    [](const ChannelExtents&) { return std::size_t{0}; }};
  return loops;
}

}  // namespace engine::cpu
