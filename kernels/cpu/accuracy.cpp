// Count of correctly classified rows.
#include "kernels/accuracy.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

// The label wins when all before it are smaller and none after it is larger; every comparison with
// a NaN fails, so none can pass unnoticed.
bool row_correct(const float* z, std::int64_t classes, std::int32_t label) {
  if (label < 0 || label >= classes) return false;
  const float candidate = z[label];
  bool wins = candidate == candidate;
  for (std::int64_t j = 0; j < label; ++j) wins &= z[j] < candidate;
  for (std::int64_t j = label + 1; j < classes; ++j) wins &= z[j] <= candidate;
  return wins;
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const std::int64_t rows = problem.inputs[0].shape[0], classes = problem.inputs[0].shape[1];
  const std::int64_t grain =
      std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, classes));
  return [rows, classes, grain](const LaunchArguments& arguments) {
    const float* logits = arguments.inputs[0].as<float>();
    const std::int32_t* labels = arguments.inputs[1].as<std::int32_t>();
    std::atomic<std::int32_t> correct = 0;
    parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
      std::int32_t found = 0;
      for (std::int64_t row = begin; row < end; ++row)
        found += row_correct(logits + row * classes, classes, labels[row]);
      correct.fetch_add(found, std::memory_order_relaxed);
    });
    *arguments.outputs[0].as<std::int32_t>() = correct;
  };
}

}  // namespace
}  // namespace cpu

void register_accuracy_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "accuracy", .backend = "cpu", .id = "cpu.loop", .prepare = cpu::prepare});
}

}  // namespace engine
