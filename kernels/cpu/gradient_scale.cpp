// One pass over all gradients. Without clipping it looks for an exponent of all ones, the mark of
// NaN and infinities; else the sum of squares shows them, too. Blocks of a fixed size leave their
// sums in the workspace, so that the result does not depend on the threads.
#include "kernels/gradient_scale.h"

#include <bit>
#include <limits>

#include "engine/tune/registry.h"
#include "kernels/cpu/multi_tensor.h"

namespace engine {
namespace cpu {
namespace {

constexpr int kLanes = 16;

// The largest |x|, as bits: ordered like the numbers, NaN above infinity.
ENGINE_SIMD_CLONES
std::int32_t largest_bits(const float* x, std::int64_t count) {
  std::int32_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t bits = std::bit_cast<std::int32_t>(x[i]) & 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

ENGINE_SIMD_CLONES
double sum_of_squares(const float* x, std::int64_t count) {
  double lane[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int j = 0; j < kLanes; ++j) {
      const double value = x[i + j];
      lane[j] += value * value;
    }
  for (int j = 0; i + j < count; ++j) {
    const double value = x[i + j];
    lane[j] += value * value;
  }
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lane[j] += lane[j + width];
  return lane[0];
}

// What a slice adds to the total, which ends finite when all gradients are.
double contribution(const float* x, std::int64_t count, bool clip) {
  constexpr std::int32_t kInfinity = 0x7f800000;
  if (clip) return sum_of_squares(x, count);
  return largest_bits(x, count) < kInfinity ? 0 : std::numeric_limits<double>::quiet_NaN();
}

std::int64_t blocks_of(const Concatenation& all) {
  return (all.size() + kElementGrain - 1) / kElementGrain;
}

Concatenation gradients(const Problem& problem, const GradientScaleAttributes& attributes) {
  return {problem, attributes.gradient(0), attributes.count};
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const auto attributes = GradientScaleAttributes::from(problem.attributes);
  return [attributes, all = gradients(problem, attributes)](const LaunchArguments& arguments) {
    const auto& in = arguments.inputs;
    const bool clip = attributes.clip_norm > 0;
    auto* sums = static_cast<double*>(arguments.workspace);
    parallel_for(blocks_of(all), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t block = first; block < last; ++block) {
        double sum = 0;
        const std::int64_t begin = block * kElementGrain;
        all.visit(begin, std::min(all.size(), begin + kElementGrain),
                  [&](std::size_t k, std::int64_t from, std::int64_t to) {
                    const float* x = in[attributes.gradient(k)].as<float>();
                    sum += contribution(x + from, to - from, clip);
                  });
        sums[block] = sum;
      }
    });
    double total = 0;
    for (std::int64_t block = 0; block < blocks_of(all); ++block) total += sums[block];
    bool finite = std::isfinite(total);
    for (std::size_t i = 0; i < attributes.guards; ++i)
      finite = finite && std::isfinite(*in[attributes.guard(i)].as<float>());
    *arguments.outputs[0].as<float>() =
        scale_of_gradients(attributes, *in[0].as<std::int64_t>(), finite, total);
  };
}

std::size_t workspace(const Problem& problem) {
  const auto attributes = GradientScaleAttributes::from(problem.attributes);
  return static_cast<std::size_t>(blocks_of(gradients(problem, attributes))) * sizeof(double);
}

}  // namespace
}  // namespace cpu

void register_gradient_scale_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "gradient_scale",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare,
                               .workspace = cpu::workspace});
}

}  // namespace engine
