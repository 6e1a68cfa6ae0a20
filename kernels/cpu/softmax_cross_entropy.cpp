// Softmax folded into the cross-entropy.
#include "kernels/softmax_cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/tune/registry.h"
#include "kernels/cpu/block_sums.h"
#include "kernels/cpu/softmax_row.h"

namespace engine {
namespace cpu {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

ENGINE_SIMD_CLONES
void row_statistics(const float* z, std::int64_t classes, SoftmaxStatistics* result) {
  *result = softmax_statistics(z, classes);
}

ENGINE_SIMD_CLONES
void row_gradient(const float* z, float* dz, std::int64_t classes, std::int32_t label,
                  float scale) {
  const SoftmaxStatistics row = softmax_statistics(z, classes);
  const float factor = scale / row.sum;
  const float at_label = z[label];
  float chunk[kChunk];
  for (std::int64_t j = 0; j < classes; j += kChunk) {
    load_chunk(chunk, z + j, classes - j, kLogitPadding);
    for (int i = 0; i < kChunk; ++i) chunk[i] = real::exp(chunk[i] - row.maximum) * factor;
    store_chunk(chunk, dz + j, classes - j);
  }
  dz[label] = (real::exp(at_label - row.maximum) / row.sum - 1.0f) * scale;
}

struct Extents {
  std::int64_t rows, classes;
  explicit Extents(const Problem& problem)
      : rows(problem.inputs[0].shape[0]), classes(problem.inputs[0].shape[1]) {}
  bool valid(std::int32_t label) const { return label >= 0 && label < classes; }
  std::int64_t grain() const { return row_grain(classes); }
  BlockSums sums() const { return {rows, grain()}; }
};

double loss_of_rows(const float* logits, const std::int32_t* labels, const Extents& n,
                    std::int64_t begin, std::int64_t end) {
  double loss = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    if (!n.valid(labels[r])) return kNan;
    const float* z = logits + r * n.classes;
    SoftmaxStatistics row;
    row_statistics(z, n.classes, &row);
    loss += std::log(row.sum) + (row.maximum - z[labels[r]]);
  }
  return loss;
}

SimpleCandidate::Launch prepare_loss(const Problem& problem) {
  return [n = Extents(problem)](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const std::int32_t* labels = arguments.inputs[1].as<std::int32_t>();
    *arguments.outputs[0].as<float>() =
        n.sums().mean(arguments.workspace, [&](std::int64_t begin, std::int64_t end) {
          return loss_of_rows(logits, labels, n, begin, end);
        });
  };
}

std::size_t loss_workspace(const Problem& problem) {
  return Extents(problem).sums().workspace();
}

SimpleCandidate::Launch prepare_gradient(const Problem& problem) {
  return [n = Extents(problem)](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const std::int32_t* labels = arguments.inputs[1].as<std::int32_t>();
    const float scale = *arguments.inputs[2].as<float>() / static_cast<float>(n.rows);
    float* gradient = arguments.outputs[0].as<float>();
    parallel_for(n.rows, n.grain(), [&](std::int64_t begin, std::int64_t end) {
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
