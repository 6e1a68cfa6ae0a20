// What bf16 gains over fp32 in a training step of mnist-mlp on the CPU: steps of both, in turn,
// round by round in one run, so that a machine whose speed drifts slows them alike.
//
//   engine-precision [threads] [rounds]
#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <string_view>

#include "engine/core/error.h"
#include "engine/device/cpu/parallel.h"
#include "graph/op.h"
#include "kernels/onednn/engine.h"
#include "tools/rosetta/training_step.h"

namespace {

using namespace engine;
using rosetta::TrainingStep;

constexpr int kSteps = 20;  // of one precision at a time

int parse_count(const char* text, int least) {
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || stop != end || value < least)
    throw UsageError(fmt::format("'{}': expected a number from {} up", text, least));
  return value;
}

std::string_view bf16_instructions() {
  if (onednn::multiplies_bfloat16_in_tiles()) return "AMX";
  if (onednn::multiplies_bfloat16_natively()) return "AVX512-BF16";
  return "none: this CPU multiplies bf16 as f32, and the ratio says nothing about one that has "
         "them";
}

TrainingStep make_step(DType activations, int threads) {
  GraphOptions options;
  options.activations = activations;
  return TrainingStep(find_model("mnist-mlp"), threads, options);
}

double time_steps(TrainingStep& step) {
  return rosetta::milliseconds([&] {
           for (int i = 0; i < kSteps; ++i) step.run();
         }) /
         kSteps;
}

void print_products(std::string_view precision, const TrainingStep& step) {
  for (const graph::Step& each : step.program().steps)
    if (each.node->op().name().starts_with("dense"))
      fmt::print("  {:5} {:26} {}{}{}\n", precision, each.node->label(), each.candidate,
                 each.configuration.empty() ? "" : "/", each.configuration);
}

void measure(int threads, int rounds) {
  TrainingStep f32 = make_step(DType::f32, threads), bf16 = make_step(DType::bf16, threads);
  std::vector<double> f32_ms, bf16_ms, ratios;
  for (TrainingStep* step : {&f32, &bf16}) time_steps(*step);
  for (int round = 0; round < rounds; ++round) {
    // Turn and turn about, so that neither always runs in the other's wake.
    const bool swapped = round % 2 == 1;
    if (swapped) bf16_ms.push_back(time_steps(bf16));
    f32_ms.push_back(time_steps(f32));
    if (!swapped) bf16_ms.push_back(time_steps(bf16));
    ratios.push_back(f32_ms.back() / bf16_ms.back());
  }
  fmt::print("mnist-mlp, batch {}, {} threads, {} rounds of {} steps, medians\n",
             find_model("mnist-mlp").batch, cpu::threads(), rounds, kSteps);
  fmt::print("  bf16 instructions  {}\n", bf16_instructions());
  fmt::print("  fp32 step          {:8.3f} ms\n", rosetta::median(f32_ms));
  fmt::print("  bf16 step          {:8.3f} ms\n", rosetta::median(bf16_ms));
  fmt::print("  fp32 / bf16        {:8.3f}     (quartiles {:.3f} to {:.3f})\n",
             rosetta::median(ratios), rosetta::quantile(ratios, 0.25),
             rosetta::quantile(ratios, 0.75));
  print_products("fp32", f32);
  print_products("bf16", bf16);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(argc > 1 ? parse_count(argv[1], 0) : 0, argc > 2 ? parse_count(argv[2], 1) : 51);
    return 0;
  } catch (const engine::UsageError& error) {
    fmt::print(stderr, "engine-precision: {}\n", error.what());
    return 2;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "engine-precision: {}\n", failure.what());
    return 1;
  }
}
