// Softmax folded into the cross-entropy.
//
// A row is worked on in chunks of 16 classes, the last one padded with -infinity (which exp turns
// into 0), so that maximum, sum and exponential vectorize for the ten classes of a small problem as
// well as for thousands. exp is our own: the C library's cannot be vectorized without relaxing all
// arithmetic.
#include "kernels/softmax_cross_entropy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

constexpr int kChunk = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// exp(x) for x <= 0 or NaN, to 2 ulp: x = n·ln 2 + r with |r| <= ln 2 / 2, where ln 2 is split in
// two so that r is exact to f32 (Cody and Waite), and the Taylor polynomial of degree 7 for exp(r).
// Below about -87, where the result leaves the normal range, it is 0.
ENGINE_SIMD_INLINE float exp_nonpositive(float x) {
  const float bounded = x < -87.0f ? -87.0f : x;
  constexpr float shifter = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
  const float shifted = bounded * 1.44269504f + shifter;
  const float n = shifted - shifter;
  float r = bounded - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float sum = 1.0f / 5040;
  sum = sum * r + 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  // The integer n sits in the low bits of `shifted`; moved to the exponent field it is 2^n.
  const float power = std::bit_cast<float>((std::bit_cast<std::int32_t>(shifted) + 127) << 23);
  const float value = sum * power;
  return x < -87.0f ? 0.0f : value;
}

struct RowStatistics {
  float largest;
  float sum;  ///< of exp(z - largest)
};

ENGINE_SIMD_INLINE void load(float* chunk, const float* z, std::int64_t count) {
  for (int i = 0; i < kChunk; ++i) chunk[i] = -kInfinity;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(count, kChunk); ++i) chunk[i] = z[i];
}

// A NaN makes the maximum NaN or is skipped by it; either way the sum becomes NaN.
ENGINE_SIMD_CLONES
void row_statistics(const float* z, std::int64_t classes, RowStatistics* result) {
  float chunk[kChunk], largest[kChunk], sum[kChunk];
  for (int i = 0; i < kChunk; ++i) largest[i] = -kInfinity;
  for (int i = 0; i < kChunk; ++i) sum[i] = 0;
  for (std::int64_t j = 0; j < classes; j += kChunk) {
    load(chunk, z + j, classes - j);
    for (int i = 0; i < kChunk; ++i) largest[i] = chunk[i] > largest[i] ? chunk[i] : largest[i];
  }
  float top = -kInfinity;
  for (int i = 0; i < kChunk; ++i) top = largest[i] > top ? largest[i] : top;
  for (std::int64_t j = 0; j < classes; j += kChunk) {
    load(chunk, z + j, classes - j);
    for (int i = 0; i < kChunk; ++i) sum[i] += exp_nonpositive(chunk[i] - top);
  }
  for (int width = kChunk / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) sum[i] += sum[i + width];
  *result = {top, sum[0]};
}

ENGINE_SIMD_CLONES
void row_gradient(const float* z, float* dz, std::int64_t classes, std::int32_t label,
                  float scale) {
  RowStatistics row;
  row_statistics(z, classes, &row);
  const float factor = scale / row.sum;
  const float at_label = z[label];
  float chunk[kChunk];
  for (std::int64_t j = 0; j < classes; j += kChunk) {
    load(chunk, z + j, classes - j);
    for (int i = 0; i < kChunk; ++i) chunk[i] = exp_nonpositive(chunk[i] - row.largest) * factor;
    std::copy_n(chunk, std::min<std::int64_t>(kChunk, classes - j), dz + j);
  }
  dz[label] = (exp_nonpositive(at_label - row.largest) / row.sum - 1.0f) * scale;
}

struct Extents {
  std::int64_t rows, classes, grain;
  explicit Extents(const Problem& problem)
      : rows(problem.inputs[0].shape[0]),
        classes(problem.inputs[0].shape[1]),
        grain(std::max<std::int64_t>(
            1, kElementGrain / std::max<std::int64_t>(1, kChunk + classes))) {}
  bool valid(std::int32_t label) const { return label >= 0 && label < classes; }
  std::int64_t blocks() const { return (rows + grain - 1) / grain; }
};

double loss_of_rows(const float* logits, const std::int32_t* labels, const Extents& n,
                    std::int64_t begin, std::int64_t end) {
  double loss = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    if (!n.valid(labels[r])) return kNan;
    const float* z = logits + r * n.classes;
    RowStatistics row;
    row_statistics(z, n.classes, &row);
    loss += std::log(row.sum) + (row.largest - z[labels[r]]);
  }
  return loss;
}

// Each block of rows leaves its sum in the workspace, so the result does not depend on the threads.
SimpleCandidate::Launch prepare_loss(const Problem& problem) {
  return [n = Extents(problem)](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const std::int32_t* labels = arguments.inputs[1].as<std::int32_t>();
    auto* sums = static_cast<double*>(arguments.workspace);
    parallel_for(n.blocks(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block)
        sums[block] = loss_of_rows(logits, labels, n, block * n.grain,
                                   std::min(n.rows, (block + 1) * n.grain));
    });
    double total = 0;
    for (std::int64_t block = 0; block < n.blocks(); ++block) total += sums[block];
    *arguments.outputs[0].as<float>() =
        n.rows == 0 ? 0.0f : static_cast<float>(total / static_cast<double>(n.rows));
  };
}

std::size_t loss_workspace(const Problem& problem) {
  return static_cast<std::size_t>(Extents(problem).blocks()) * sizeof(double);
}

SimpleCandidate::Launch prepare_gradient(const Problem& problem) {
  return [n = Extents(problem)](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const std::int32_t* labels = arguments.inputs[1].as<std::int32_t>();
    const float scale = *arguments.inputs[2].as<float>() / static_cast<float>(n.rows);
    float* gradient = arguments.outputs[0].as<float>();
    parallel_for(n.rows, n.grain, [&](std::int64_t begin, std::int64_t end) {
      const FlushDenormals flush;
      for (std::int64_t r = begin; r < end; ++r) {
        float* dz = gradient + r * n.classes;
        if (n.valid(labels[r]))
          row_gradient(logits + r * n.classes, dz, n.classes, labels[r], scale);
        else
          std::fill_n(dz, n.classes, kNan);
      }
    });
  };
}

}  // namespace
}  // namespace cpu

void register_softmax_cross_entropy_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "softmax_cross_entropy",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_loss,
                               .workspace = cpu::loss_workspace});
  registry.add(SimpleCandidate{.op = "softmax_cross_entropy_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_gradient});
}

}  // namespace engine
