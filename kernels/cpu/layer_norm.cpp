// Layer normalization. Sums over a row are taken in double: they cost little beside the memory
// traffic, and a mean far above the deviation then needs no special care.
#include "kernels/layer_norm.h"

#include <cmath>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/lanes.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void normalize_row(const float* x, const float* gamma, const float* beta, float* y, float* mean_out,
                   float* inverse_out, float epsilon, std::int64_t length) {
  const auto count = static_cast<double>(length);
  const double mean = sum_terms(length, [=](std::int64_t j) { return double{x[j]}; }) / count;
  const double variance = sum_terms(length,
                                    [=](std::int64_t j) {
                                      const double deviation = x[j] - mean;
                                      return deviation * deviation;
                                    }) /
                          count;
  const auto inverse = static_cast<float>(1 / std::sqrt(variance + double{epsilon}));
  // The mean of an infinity is one, and its deviation NaN.
  const auto rounded = static_cast<float>(variance == variance ? mean : variance);
  ENGINE_SIMD_LOOP
  for (std::int64_t j = 0; j < length; ++j) y[j] = (x[j] - rounded) * inverse * gamma[j] + beta[j];
  *mean_out = rounded;
  *inverse_out = inverse;
}

ENGINE_SIMD_CLONES
void input_gradient_row(const float* dy, const float* x, const float* gamma, float* dx, float mean,
                        float inverse, std::int64_t length) {
  const auto count = static_cast<double>(length);
  const auto g_mean = static_cast<float>(
      sum_terms(length, [=](std::int64_t j) { return double{dy[j] * gamma[j]}; }) / count);
  const auto gx_mean = static_cast<float>(sum_terms(length,
                                                    [=](std::int64_t j) {
                                                      const float normalized =
                                                          (x[j] - mean) * inverse;
                                                      return double{dy[j] * gamma[j] * normalized};
                                                    }) /
                                          count);
  ENGINE_SIMD_LOOP
  for (std::int64_t j = 0; j < length; ++j)
    dx[j] = inverse * (dy[j] * gamma[j] - g_mean - (x[j] - mean) * inverse * gx_mean);
}

// Adds a row's terms to the sums of dy · x̂ and dy.
ENGINE_SIMD_CLONES
void add_parameter_terms(const float* dy, const float* x, float mean, float inverse,
                         float* gamma_sums, float* beta_sums, std::int64_t length) {
  ENGINE_SIMD_LOOP
  for (std::int64_t j = 0; j < length; ++j) {
    gamma_sums[j] += dy[j] * ((x[j] - mean) * inverse);
    beta_sums[j] += dy[j];
  }
}

SimpleCandidate::Launch prepare_forward(const Problem& problem) {
  const auto epsilon =
      static_cast<float>(NormalizationAttributes::from(problem.attributes).epsilon);
  return [n = LayerNormExtents::of(problem.inputs[0]), epsilon](const LaunchArguments& arguments) {
    const float* x = arguments.inputs[0].as<float>();
    const float* gamma = arguments.inputs[1].as<float>();
    const float* beta = arguments.inputs[2].as<float>();
    float* y = arguments.outputs[0].as<float>();
    float* mean = arguments.outputs[1].as<float>();
    float* inverse = arguments.outputs[2].as<float>();
    parallel_for(n.rows, row_grain(n.length), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        normalize_row(x + r * n.length, gamma, beta, y + r * n.length, mean + r, inverse + r,
                      epsilon, n.length);
    });
  };
}

SimpleCandidate::Launch prepare_input_gradient(const Problem& problem) {
  return [n = LayerNormExtents::of(problem.inputs[0])](const LaunchArguments& arguments) {
    const float* dy = arguments.inputs[0].as<float>();
    const float* x = arguments.inputs[1].as<float>();
    const float* gamma = arguments.inputs[2].as<float>();
    const float* mean = arguments.inputs[3].as<float>();
    const float* inverse = arguments.inputs[4].as<float>();
    float* dx = arguments.outputs[0].as<float>();
    parallel_for(n.rows, row_grain(n.length), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        input_gradient_row(dy + r * n.length, x + r * n.length, gamma, dx + r * n.length, mean[r],
                           inverse[r], n.length);
    });
  };
}

// The rows in blocks whose number depends on the shape alone. Each leaves the sums over its rows in
// the workspace, [block][gamma, beta][length].
struct RowBlocks {
  LayerNormExtents n;
  std::int64_t rows_each, count;

  explicit RowBlocks(const Problem& problem)
      : n(LayerNormExtents::of(problem.inputs[0])),
        rows_each(std::max<std::int64_t>(32, (n.rows + 63) / 64)),
        count((n.rows + rows_each - 1) / rows_each) {}
  std::size_t workspace() const {
    return static_cast<std::size_t>(count * 2 * n.length) * sizeof(float);
  }
};

SimpleCandidate::Launch prepare_parameter_gradient(const Problem& problem) {
  return [blocks = RowBlocks(problem)](const LaunchArguments& arguments) {
    const float* dy = arguments.inputs[0].as<float>();
    const float* x = arguments.inputs[1].as<float>();
    const float* mean = arguments.inputs[2].as<float>();
    const float* inverse = arguments.inputs[3].as<float>();
    auto* sums = static_cast<float*>(arguments.workspace);
    const std::int64_t rows = blocks.n.rows, length = blocks.n.length;
    auto sum_blocks = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        float* block_sums = sums + block * 2 * length;
        std::fill_n(block_sums, 2 * length, 0.0f);
        const std::int64_t last = std::min(rows, (block + 1) * blocks.rows_each);
        for (std::int64_t r = block * blocks.rows_each; r < last; ++r)
          add_parameter_terms(dy + r * length, x + r * length, mean[r], inverse[r], block_sums,
                              block_sums + length, length);
      }
    };
    const std::int64_t block_items = std::max<std::int64_t>(1, blocks.rows_each * length);
    parallel_for(blocks.count, std::max<std::int64_t>(1, kElementGrain / block_items), sum_blocks);
    for (std::size_t k = 0; k < 2; ++k) {
      float* out = arguments.outputs[k].as<float>();
      std::fill_n(out, length, 0.0f);
      for (std::int64_t block = 0; block < blocks.count; ++block) {
        const float* block_sums = sums + (block * 2 + static_cast<std::int64_t>(k)) * length;
        for (std::int64_t j = 0; j < length; ++j) out[j] += block_sums[j];
      }
    }
  };
}

}  // namespace
}  // namespace cpu

void register_layer_norm_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "layer_norm", .backend = "cpu", .id = "cpu.simd", .prepare = cpu::prepare_forward});
  registry.add(SimpleCandidate{.op = "layer_norm_input_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_input_gradient});
  registry.add(SimpleCandidate{
      .op = "layer_norm_parameter_gradient",
      .backend = "cpu",
      .id = "cpu.simd",
      .prepare = cpu::prepare_parameter_gradient,
      .workspace = [](const Problem& problem) { return cpu::RowBlocks(problem).workspace(); }});
}

}  // namespace engine
