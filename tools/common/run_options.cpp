#include "tools/common/run_options.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "graph/passes/pass.h"
#include "ops/registry.h"

namespace engine::tools {
namespace {

template <class T, class U>
void assign(T& setting, const std::optional<U>& option) {
  if (option) setting = static_cast<T>(*option);
}

void check_passes(const std::vector<std::string>& names) {
  initialize();
  std::string known;
  for (const graph::Pass& pass : graph::PassRegistry::global().passes())
    known += (known.empty() ? "" : ", ") + pass.name;
  for (const std::string& name : names)
    if ((", " + known + ",").find(", " + name + ",") == std::string::npos)
      throw UsageError(fmt::format("--no-pass {}: expected one of {}", name, known));
}

}  // namespace

void RunOptions::declare_device(Command& command) {
  command.option("--device", device, "auto|cpu|cuda[:N]", "where to run")
      .option("--threads", threads, "N", "CPU threads (default: one a core)")
      .option("--algorithm-cache", algorithm_cache, "FILE", "where measured kernels are kept");
}

void RunOptions::declare_data(Command& command) {
  command.option("--task", task, "qaN", "of data that hold several, as bAbI's do")
      .option("--data-pipeline", data_pipeline, "auto|resident|stream",
              "data in device memory as a whole, or batch by batch (auto: where there is no room)")
      .option("--loader-threads", loader_threads, "N",
              "threads that read a stream (default: one a core)");
}

void RunOptions::declare_model(Command& command) {
  command.option("--batch", batch, "N", "observations a step")
      .option("--precision", precision, "fp32|tf32|bf16", "arithmetic of products")
      .option("--seed", seed, "N", "of weights, order and drop-out (default 0)")
      .flag("--deterministic", deterministic, "only kernels that give the same bits on every run")
      .option("--autotune", autotune, "off|find|locked",
              "first kernel, fastest one, or recorded choices only")
      .option("--candidates", candidates, "PATTERN",
              "kernels to try: 'a|b' by parts of their names, '-a' all others")
      .option("--workspace-limit", workspace_limit, "BYTES", "of scratch memory a kernel may use")
      .option("--memory-limit", memory_limit, "BYTES", "of device memory the run may use")
      .repeatable("--no-pass", passes_off, "NAME", "switch a graph rewrite off (repeatable)");
}

void RunOptions::apply(TrainSettings& settings) const {
  if (seed && *seed < 0)
    throw UsageError(fmt::format("--seed {}: expected a number from 0 up", *seed));
  for (const auto& [name, value] :
       {std::pair("--workspace-limit", workspace_limit), std::pair("--memory-limit", memory_limit)})
    if (value && *value < 1)
      throw UsageError(fmt::format("{} {}: expected a number of bytes from 1 up", name, *value));
  check_passes(passes_off);
  assign(settings.batch, batch);
  assign(settings.threads, threads);
  assign(settings.seed, seed);
  assign(settings.workspace_limit, workspace_limit);
  assign(settings.memory_limit, memory_limit);
  assign(settings.task, task);
  assign(settings.data_pipeline, data_pipeline);
  assign(settings.loader_threads, loader_threads);
  assign(settings.device, device);
  assign(settings.precision, precision);
  assign(settings.autotune, autotune);
  assign(settings.algorithm_cache, algorithm_cache);
  assign(settings.candidates, candidates);
  if (deterministic) settings.deterministic = true;
  settings.passes_off.insert(passes_off.begin(), passes_off.end());
}

}  // namespace engine::tools
