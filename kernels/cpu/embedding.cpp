// Embedding. In its gradient a thread owns a share of the table's rows and goes through all tokens
// for those that are its own: reading a token costs little beside a row, nothing has to be sorted,
// and a row's sum does not depend on the number of threads. Of a table that is small beside the
// tokens one row may have most of them (padding); there parts of the tokens have sums of their own.
#include "kernels/embedding.h"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/stripes.h"

namespace engine {
namespace cpu {
namespace {

void copy_row(const float* row, float* y, std::int64_t width) {
  std::copy_n(row, width, y);
}
void copy_row(const float* row, bfloat16* y, std::int64_t width) {
  narrow(row, y, width);
}

template <class Out>
void embed(const EmbeddingExtents& n, const LaunchArguments& arguments) {
  const float* table = arguments.inputs[0].as<float>();
  const std::int32_t* tokens = arguments.inputs[1].as<std::int32_t>();
  Out* y = arguments.outputs[0].as<Out>();
  const std::int64_t grain = std::max<std::int64_t>(1, kElementGrain / (1 + n.width));
  parallel_for(n.tokens, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (n.holds(tokens[i]))
        copy_row(table + tokens[i] * n.width, y + i * n.width, n.width);
      else
        std::fill_n(y + i * n.width, n.width, Out(0.0f));
    }
  });
}

ENGINE_SIMD_CLONES
void add_row(const float* dy, float* sum, std::int64_t width) {
  ENGINE_SIMD_LOOP
  for (std::int64_t j = 0; j < width; ++j) sum[j] += dy[j];
}

void add_row(const bfloat16* dy, float* sum, std::int64_t width) {
  alignas(64) float block[kFloatBlock];
  for (std::int64_t j = 0; j < width; j += kFloatBlock) {
    const std::int64_t count = std::min(kFloatBlock, width - j);
    widen(dy + j, block, count);
    add_row(block, sum + j, count);
  }
}

// How many parts the tokens are summed in, whatever the number of threads.
std::int64_t gradient_parts(const EmbeddingExtents& n) {
  constexpr std::int64_t kMost = 16, kTokensPerRow = 8;
  return std::clamp<std::int64_t>(
      n.tokens / (kTokensPerRow * std::max<std::int64_t>(1, n.vocabulary)), 1, kMost);
}

std::size_t gradient_workspace(const Problem& problem) {
  const auto n = EmbeddingExtents::of(problem);
  return static_cast<std::size_t>((gradient_parts(n) - 1) * n.vocabulary * n.width) * sizeof(float);
}

// Those rows of the sums that are `rows`, over tokens [begin, end).
template <class In>
void sum_tokens(const EmbeddingExtents& n, const LaunchArguments& arguments, const Stripe& rows,
                std::int64_t begin, std::int64_t end, float* sums) {
  const In* dy = arguments.inputs[0].as<In>();
  const std::int32_t* tokens = arguments.inputs[1].as<std::int32_t>();
  for (std::int64_t row = rows.first; row < n.vocabulary; row += rows.step)
    std::fill_n(sums + row * n.width, n.width, 0.0f);
  for (std::int64_t i = begin; i < end; ++i)
    if (n.holds(tokens[i]) && rows.has(tokens[i]))
      add_row(dy + i * n.width, sums + tokens[i] * n.width, n.width);
}

template <class In>
void sum_embedding_gradient(const EmbeddingExtents& n, const LaunchArguments& arguments) {
  float* sums = arguments.outputs[0].as<float>();
  const std::int64_t parts = gradient_parts(n), table = n.vocabulary * n.width;
  if (parts == 1) {
    for_each_stripe((n.vocabulary + n.tokens) * n.width, [&](const Stripe& rows) {
      sum_tokens<In>(n, arguments, rows, 0, n.tokens, sums);
    });
    return;
  }
  auto* others = static_cast<float*>(arguments.workspace);
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      sum_tokens<In>(n, arguments, {0, 1}, n.tokens * part / parts, n.tokens * (part + 1) / parts,
                     part == 0 ? sums : others + (part - 1) * table);
  });
  for (std::int64_t part = 1; part < parts; ++part)
    add_row(others + (part - 1) * table, sums, table);
}

using EmbeddingKernel = void (*)(const EmbeddingExtents&, const LaunchArguments&);

SimpleCandidate::Launch embedding_launch(const Problem& problem, DType rows, EmbeddingKernel f32,
                                         EmbeddingKernel bf16) {
  return [n = EmbeddingExtents::of(problem), kernel = rows == DType::bf16 ? bf16 : f32](
             const LaunchArguments& arguments) { kernel(n, arguments); };
}

}  // namespace
}  // namespace cpu

void register_embedding_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "embedding", .backend = "cpu", .id = "cpu.simd", .prepare = [](const Problem& problem) {
        return cpu::embedding_launch(problem, problem.outputs[0].dtype, cpu::embed<float>,
                                     cpu::embed<bfloat16>);
      }});
  registry.add(SimpleCandidate{.op = "embedding_gradient",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .version = 2,
                               .prepare =
                                   [](const Problem& problem) {
                                     return cpu::embedding_launch(
                                         problem, problem.inputs[0].dtype,
                                         cpu::sum_embedding_gradient<float>,
                                         cpu::sum_embedding_gradient<bfloat16>);
                                   },
                               .workspace = cpu::gradient_workspace,
                               .error_factor = kEmbeddingGradientError});
}

}  // namespace engine
