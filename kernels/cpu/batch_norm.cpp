// Batch normalization, in two layouts: where channels are neighbours (spatial = 1) a thread takes
// some of them down all rows, else it takes the runs of one channel after the other. A layout is a
// set of functions over a range of channels, so that sums of a channel are taken by one thread, in
// one order. They are taken in double.
#include "kernels/batch_norm.h"

#include <cmath>
#include <initializer_list>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/lanes.h"

namespace engine {
namespace cpu {
namespace {

/// The operands of all four ops; an op leaves out what it has not.
struct Operands {
  ChannelExtents n;
  float epsilon;
  const float *x, *dy, *gamma, *beta;
  float* out;  ///< y or dx; may be x or dy
  const float *mean, *variance;
  float *new_mean, *new_variance, *dgamma, *dbeta;

  float inverse(std::int64_t channel) const {
    return 1.0f / std::sqrt(variance[channel] + epsilon);
  }
};

using ChannelFunction = void (*)(const Operands& o, std::int64_t begin, std::int64_t end);

// What statistics and sums are kept as. The mean of an infinity is one, and its deviation NaN.
ENGINE_SIMD_INLINE void store_moments(const Operands& o, std::int64_t channel, double mean,
                                      double variance) {
  o.new_mean[channel] = static_cast<float>(variance == variance ? mean : variance);
  o.new_variance[channel] = static_cast<float>(variance);
}

// Channels next to each other, at most kColumns at a time.
namespace columns {

constexpr std::int64_t kColumns = 32;

// Calls body(first channel, width) for pieces of the range, whole ones with a constant width.
template <class F>
ENGINE_SIMD_INLINE void each_piece(std::int64_t begin, std::int64_t end, const F& body) {
  std::int64_t first = begin;
  for (; first + kColumns <= end; first += kColumns) body(first, kColumns);
  if (first < end) body(first, end - first);
}

ENGINE_SIMD_CLONES
void moments(const Operands& o, std::int64_t begin, std::int64_t end) {
  const double scale = o.n.batch == 0 ? 0 : 1.0 / static_cast<double>(o.n.batch);
  each_piece(begin, end, [&](std::int64_t first, std::int64_t width) {
    double mean[kColumns] = {}, variance[kColumns] = {};
    for (std::int64_t row = 0; row < o.n.batch; ++row) {
      const float* x = o.x + row * o.n.channels + first;
      for (std::int64_t i = 0; i < width; ++i) mean[i] += x[i];
    }
    for (std::int64_t i = 0; i < width; ++i) mean[i] *= scale;
    for (std::int64_t row = 0; row < o.n.batch; ++row) {
      const float* x = o.x + row * o.n.channels + first;
      for (std::int64_t i = 0; i < width; ++i) variance[i] += (x[i] - mean[i]) * (x[i] - mean[i]);
    }
    for (std::int64_t i = 0; i < width; ++i)
      store_moments(o, first + i, mean[i], variance[i] * scale);
  });
}

ENGINE_SIMD_CLONES
void normalize(const Operands& o, std::int64_t begin, std::int64_t end) {
  each_piece(begin, end, [&](std::int64_t first, std::int64_t width) {
    float inverse[kColumns];
    for (std::int64_t i = 0; i < width; ++i) inverse[i] = o.inverse(first + i);
    const float *mean = o.mean + first, *gamma = o.gamma + first, *beta = o.beta + first;
    for (std::int64_t row = 0; row < o.n.batch; ++row) {
      const float* x = o.x + row * o.n.channels + first;
      float* y = o.out + row * o.n.channels + first;
      ENGINE_SIMD_LOOP
      for (std::int64_t i = 0; i < width; ++i)
        y[i] = (x[i] - mean[i]) * inverse[i] * gamma[i] + beta[i];
    }
  });
}

ENGINE_SIMD_CLONES
void gradient_sums(const Operands& o, std::int64_t begin, std::int64_t end) {
  each_piece(begin, end, [&](std::int64_t first, std::int64_t width) {
    float inverse[kColumns];
    for (std::int64_t i = 0; i < width; ++i) inverse[i] = o.inverse(first + i);
    const float* mean = o.mean + first;
    double gamma_sums[kColumns] = {}, beta_sums[kColumns] = {};
    for (std::int64_t row = 0; row < o.n.batch; ++row) {
      const float* x = o.x + row * o.n.channels + first;
      const float* dy = o.dy + row * o.n.channels + first;
      for (std::int64_t i = 0; i < width; ++i) {
        gamma_sums[i] += dy[i] * ((x[i] - mean[i]) * inverse[i]);
        beta_sums[i] += dy[i];
      }
    }
    for (std::int64_t i = 0; i < width; ++i) {
      o.dgamma[first + i] = static_cast<float>(gamma_sums[i]);
      o.dbeta[first + i] = static_cast<float>(beta_sums[i]);
    }
  });
}

ENGINE_SIMD_CLONES
void apply_gradient(const Operands& o, std::int64_t begin, std::int64_t end) {
  const auto count = static_cast<float>(o.n.batch);
  each_piece(begin, end, [&](std::int64_t first, std::int64_t width) {
    float inverse[kColumns], factor[kColumns], dy_mean[kColumns], dyx_mean[kColumns];
    for (std::int64_t i = 0; i < width; ++i) {
      inverse[i] = o.inverse(first + i);
      factor[i] = o.gamma[first + i] * inverse[i];
      dy_mean[i] = o.dbeta[first + i] / count;
      dyx_mean[i] = o.dgamma[first + i] / count;
    }
    const float* mean = o.mean + first;
    for (std::int64_t row = 0; row < o.n.batch; ++row) {
      const float* x = o.x + row * o.n.channels + first;
      const float* dy = o.dy + row * o.n.channels + first;
      float* dx = o.out + row * o.n.channels + first;
      ENGINE_SIMD_LOOP
      for (std::int64_t i = 0; i < width; ++i)
        dx[i] = factor[i] * (dy[i] - dy_mean[i] - (x[i] - mean[i]) * inverse[i] * dyx_mean[i]);
    }
  });
}

ENGINE_SIMD_CLONES
void scale(const Operands& o, std::int64_t begin, std::int64_t end) {
  each_piece(begin, end, [&](std::int64_t first, std::int64_t width) {
    float factor[kColumns];
    for (std::int64_t i = 0; i < width; ++i) factor[i] = o.gamma[first + i] * o.inverse(first + i);
    for (std::int64_t row = 0; row < o.n.batch; ++row) {
      const float* dy = o.dy + row * o.n.channels + first;
      float* dx = o.out + row * o.n.channels + first;
      ENGINE_SIMD_LOOP
      for (std::int64_t i = 0; i < width; ++i) dx[i] = dy[i] * factor[i];
    }
  });
}

}  // namespace columns

// Channels apart from each other: the elements of one come in runs.
namespace runs {

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
    store_moments(o, c, mean, squares * scale);
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

}  // namespace runs

struct Layout {
  ChannelFunction moments, normalize, gradient_sums, apply_gradient, scale;
  std::int64_t granularity;  ///< channels that a thread should take together

  static const Layout& of(const ChannelExtents& n) {
    static const Layout by_columns{columns::moments,       columns::normalize,
                                   columns::gradient_sums, columns::apply_gradient,
                                   columns::scale,         columns::kColumns};
    static const Layout by_runs{runs::moments,        runs::normalize, runs::gradient_sums,
                                runs::apply_gradient, runs::scale,     1};
    return n.spatial == 1 ? by_columns : by_runs;
  }

  /// The functions, one after the other, on ranges of channels on all threads.
  void run(const Operands& o, std::initializer_list<ChannelFunction> functions) const {
    const std::int64_t work = granularity * std::max<std::int64_t>(1, o.n.count());
    const std::int64_t grain = granularity * std::max<std::int64_t>(1, kElementGrain / work);
    parallel_for(o.n.channels, grain, [&](std::int64_t begin, std::int64_t end) {
      const FlushDenormals flush;
      for (const ChannelFunction function : functions) function(o, begin, end);
    });
  }
};

/// What does not change from launch to launch.
Operands operands_of(const Problem& problem) {
  Operands o{};
  o.n = ChannelExtents::of(problem.inputs[0]);
  o.epsilon = static_cast<float>(NormalizationAttributes::from(problem.attributes).epsilon);
  return o;
}

SimpleCandidate::Launch prepare_forward(const Problem& problem) {
  return [fixed = operands_of(problem)](const LaunchArguments& a) {
    Operands o = fixed;
    o.x = a.inputs[0].as<float>();
    o.gamma = a.inputs[1].as<float>();
    o.beta = a.inputs[2].as<float>();
    o.out = a.outputs[0].as<float>();
    o.mean = o.new_mean = a.outputs[1].as<float>();
    o.variance = o.new_variance = a.outputs[2].as<float>();
    const Layout& layout = Layout::of(o.n);
    layout.run(o, {layout.moments, layout.normalize});
  };
}

SimpleCandidate::Launch prepare_inference(const Problem& problem) {
  return [fixed = operands_of(problem)](const LaunchArguments& a) {
    Operands o = fixed;
    o.x = a.inputs[0].as<float>();
    o.gamma = a.inputs[1].as<float>();
    o.beta = a.inputs[2].as<float>();
    o.mean = a.inputs[3].as<float>();
    o.variance = a.inputs[4].as<float>();
    o.out = a.outputs[0].as<float>();
    const Layout& layout = Layout::of(o.n);
    layout.run(o, {layout.normalize});
  };
}

SimpleCandidate::Launch prepare_gradient(const Problem& problem) {
  return [fixed = operands_of(problem)](const LaunchArguments& a) {
    Operands o = fixed;
    o.dy = a.inputs[0].as<float>();
    o.x = a.inputs[1].as<float>();
    o.gamma = a.inputs[2].as<float>();
    o.mean = a.inputs[3].as<float>();
    o.variance = a.inputs[4].as<float>();
    o.out = a.outputs[0].as<float>();
    o.dgamma = a.outputs[1].as<float>();
    o.dbeta = a.outputs[2].as<float>();
    const Layout& layout = Layout::of(o.n);
    layout.run(o, {layout.gradient_sums, layout.apply_gradient});
  };
}

SimpleCandidate::Launch prepare_inference_gradient(const Problem& problem) {
  return [fixed = operands_of(problem)](const LaunchArguments& a) {
    Operands o = fixed;
    o.dy = a.inputs[0].as<float>();
    o.gamma = a.inputs[1].as<float>();
    o.variance = a.inputs[2].as<float>();
    o.out = a.outputs[0].as<float>();
    const Layout& layout = Layout::of(o.n);
    layout.run(o, {layout.scale});
  };
}

void add(CandidateRegistry& registry, const char* op,
         SimpleCandidate::Launch (*prepare)(const Problem&)) {
  registry.add(SimpleCandidate{.op = op, .backend = "cpu", .id = "cpu.simd", .prepare = prepare});
}

}  // namespace
}  // namespace cpu

void register_batch_norm_cpu(CandidateRegistry& registry) {
  cpu::add(registry, "batch_norm", cpu::prepare_forward);
  cpu::add(registry, "batch_norm_gradient", cpu::prepare_gradient);
  cpu::add(registry, "batch_norm_inference", cpu::prepare_inference);
  cpu::add(registry, "batch_norm_inference_gradient", cpu::prepare_inference_gradient);
}

}  // namespace engine
