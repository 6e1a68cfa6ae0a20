// Batch normalization of a matrix [rows, channels]. Rows are cut into parts, whose sums go to the
// workspace and are merged there, so that memory is read in order and threads share even few
// channels. Statistics take one pass: a part sums deviations from its first row, and their squares,
// in double, where they cancel by no more than a factor of the number of rows.
#include <algorithm>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/batch_norm.h"
#include "kernels/cpu/simd.h"

namespace engine::cpu {
namespace {

using Operands = BatchNormOperands;

constexpr std::int64_t kPartElements = 65536;
constexpr std::int64_t kMostParts = 64;
constexpr std::int64_t kChannelGrain = 256;  // of loops over channels alone

std::int64_t part_count(const ChannelExtents& n) {
  return std::clamp<std::int64_t>(n.batch * n.channels / kPartElements, 1,
                                  std::clamp<std::int64_t>(n.batch, 1, kMostParts));
}

// Two sums a part and channel, and some numbers a channel that the last pass works with.
struct Workspace {
  static constexpr std::int64_t kFactors = 3;
  double* sums;
  float* factors;
  std::int64_t channels;

  static std::size_t bytes(const ChannelExtents& n) {
    return static_cast<std::size_t>(n.channels) *
           (static_cast<std::size_t>(part_count(n)) * 2 * sizeof(double) +
            kFactors * sizeof(float));
  }
  explicit Workspace(const Operands& o)
      : sums(static_cast<double*>(o.workspace)),
        factors(reinterpret_cast<float*>(sums + part_count(o.n) * 2 * o.n.channels)),
        channels(o.n.channels) {}
  double* sum(std::int64_t part, int which) const { return sums + (2 * part + which) * channels; }
  float* factor(int which) const { return factors + which * channels; }
};

// A part's rows.
struct Rows {
  std::int64_t begin, end;

  static Rows of(const ChannelExtents& n, std::int64_t part) {
    const std::int64_t parts = part_count(n);
    return {n.batch * part / parts, n.batch * (part + 1) / parts};
  }
  auto size() const { return static_cast<double>(end - begin); }
};

// Calls body(first row, rows) for four rows at a time, which then share a visit to the sums.
template <class Body>
ENGINE_SIMD_INLINE void each_rows(const Rows& rows, const Body& body) {
  std::int64_t row = rows.begin;
  for (; row + 4 <= rows.end; row += 4) body(row, 4);
  for (; row < rows.end; ++row) body(row, 1);
}

// Sums of deviations from the part's first row, and of their squares.
ENGINE_SIMD_CLONES
void sum_deviations(const Operands& o, const Rows& rows, double* sums, double* squares) {
  const std::int64_t channels = o.n.channels;
  std::fill_n(sums, channels, 0.0);
  std::fill_n(squares, channels, 0.0);
  const float* pivot = o.x + rows.begin * channels;
  each_rows(rows, [&](std::int64_t first, std::int64_t count) {
    const float* x = o.x + first * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      double sum = 0, square = 0;
      for (std::int64_t row = 0; row < count; ++row) {
        const double deviation = double{x[row * channels + c]} - double{pivot[c]};
        sum += deviation;
        square += deviation * deviation;
      }
      sums[c] += sum;
      squares[c] += square;
    }
  });
}

// Sums of dy x̂, and of dy.
ENGINE_SIMD_CLONES
void sum_gradients(const Operands& o, const Rows& rows, const float* inverse, double* gamma_sums,
                   double* beta_sums) {
  const std::int64_t channels = o.n.channels;
  std::fill_n(gamma_sums, channels, 0.0);
  std::fill_n(beta_sums, channels, 0.0);
  each_rows(rows, [&](std::int64_t first, std::int64_t count) {
    const float* x = o.x + first * channels;
    const float* dy = o.dy + first * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      double gamma_sum = 0, beta_sum = 0;
      for (std::int64_t row = 0; row < count; ++row) {
        const std::int64_t at = row * channels + c;
        gamma_sum += dy[at] * ((x[at] - o.mean[c]) * inverse[c]);
        beta_sum += dy[at];
      }
      gamma_sums[c] += gamma_sum;
      beta_sums[c] += beta_sum;
    }
  });
}

ENGINE_SIMD_CLONES
void normalize(const Operands& o, const Rows& rows, const float* factor) {
  const std::int64_t channels = o.n.channels;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* x = o.x + row * channels;
    float* y = o.out + row * channels;
    ENGINE_SIMD_LOOP
    for (std::int64_t c = 0; c < channels; ++c) y[c] = (x[c] - o.mean[c]) * factor[c] + o.beta[c];
  }
}

// dx = factor * (dy - dy_mean - (x - mean) * slope).
ENGINE_SIMD_CLONES
void apply_gradient(const Operands& o, const Rows& rows, const float* factor, const float* dy_mean,
                    const float* slope) {
  const std::int64_t channels = o.n.channels;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* x = o.x + row * channels;
    const float* dy = o.dy + row * channels;
    float* dx = o.out + row * channels;
    ENGINE_SIMD_LOOP
    for (std::int64_t c = 0; c < channels; ++c)
      dx[c] = factor[c] * (dy[c] - dy_mean[c] - (x[c] - o.mean[c]) * slope[c]);
  }
}

ENGINE_SIMD_CLONES
void scale(const Operands& o, const Rows& rows, const float* factor) {
  const std::int64_t channels = o.n.channels;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* dy = o.dy + row * channels;
    float* dx = o.out + row * channels;
    ENGINE_SIMD_LOOP
    for (std::int64_t c = 0; c < channels; ++c) dx[c] = dy[c] * factor[c];
  }
}

// Calls body(part, its rows) on all threads.
template <class Body>
void each_part(const Operands& o, const Body& body) {
  parallel_for(part_count(o.n), 1, [&](std::int64_t begin, std::int64_t end) {
    const FlushDenormals flush;
    for (std::int64_t part = begin; part < end; ++part) body(part, Rows::of(o.n, part));
  });
}

template <class Body>
void each_channel(const Operands& o, const Body& body) {
  parallel_for(o.n.channels, kChannelGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) body(c);
  });
}

// Moments of a union from those of its parts, one after the other (Chan, Golub, LeVeque, 1979).
void merge_moments(const Operands& o, const Workspace& workspace, std::int64_t c) {
  double mean = 0, squares = 0, count = 0;
  for (std::int64_t part = 0; part < part_count(o.n); ++part) {
    const Rows rows = Rows::of(o.n, part);
    if (rows.size() == 0) continue;
    const double sum = workspace.sum(part, 0)[c], correction = sum / rows.size();
    const double distance = double{o.x[rows.begin * o.n.channels + c]} + correction - mean;
    const double share = rows.size() / (count + rows.size());
    mean += distance * share;
    squares += workspace.sum(part, 1)[c] - correction * sum + distance * distance * (count * share);
    count += rows.size();
  }
  o.store_moments(c, mean, count == 0 ? 0 : squares < 0 ? 0 : squares / count);
}

void write_normalized(const Operands& o, const Workspace& workspace) {
  float* factor = workspace.factor(0);
  each_channel(o, [&](std::int64_t c) { factor[c] = o.inverse(c) * o.gamma[c]; });
  each_part(o, [&](std::int64_t, const Rows& rows) { normalize(o, rows, factor); });
}

void forward(const Operands& o) {
  const Workspace workspace(o);
  each_part(o, [&](std::int64_t part, const Rows& rows) {
    if (rows.size() > 0) sum_deviations(o, rows, workspace.sum(part, 0), workspace.sum(part, 1));
  });
  each_channel(o, [&](std::int64_t c) { merge_moments(o, workspace, c); });
  write_normalized(o, workspace);
}

void inference(const Operands& o) {
  write_normalized(o, Workspace(o));
}

void gradient(const Operands& o) {
  const Workspace workspace(o);
  float *factor = workspace.factor(0), *dy_mean = workspace.factor(1), *slope = workspace.factor(2);
  float* inverse = slope;  // until sums are known
  each_channel(o, [&](std::int64_t c) { inverse[c] = o.inverse(c); });
  each_part(o, [&](std::int64_t part, const Rows& rows) {
    sum_gradients(o, rows, inverse, workspace.sum(part, 0), workspace.sum(part, 1));
  });
  const auto count = static_cast<float>(o.n.count());
  each_channel(o, [&](std::int64_t c) {
    double gamma_sum = 0, beta_sum = 0;
    for (std::int64_t part = 0; part < part_count(o.n); ++part) {
      gamma_sum += workspace.sum(part, 0)[c];
      beta_sum += workspace.sum(part, 1)[c];
    }
    o.dgamma[c] = static_cast<float>(gamma_sum);
    o.dbeta[c] = static_cast<float>(beta_sum);
    factor[c] = o.gamma[c] * inverse[c];
    dy_mean[c] = o.dbeta[c] / count;
    slope[c] = inverse[c] * (o.dgamma[c] / count);
  });
  each_part(
      o, [&](std::int64_t, const Rows& rows) { apply_gradient(o, rows, factor, dy_mean, slope); });
}

void inference_gradient(const Operands& o) {
  float* factor = Workspace(o).factor(0);
  each_channel(o, [&](std::int64_t c) { factor[c] = o.gamma[c] * o.inverse(c); });
  each_part(o, [&](std::int64_t, const Rows& rows) { scale(o, rows, factor); });
}

}  // namespace

const BatchNormLoops& batch_norm_rows() {
  static const BatchNormLoops loops{forward, gradient, inference, inference_gradient,
                                    Workspace::bytes};
  return loops;
}

}  // namespace engine::cpu
