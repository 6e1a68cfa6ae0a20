// The table of cases as a table of results: for every op and device present, how many cases ran, on
// how many configurations, and the worst error seen; with --time, the time of every configuration
// on the large cases, in turns. Exits with 1 when a case fails.
//
//   kernels_report [--time] [OP...]
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "engine/tune/timing.h"
#include "engine/tune/workbench.h"
#include "ops/registry.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

struct Totals {
  int cases = 0, configurations = 0, gradients = 0, failures = 0;
  double worst = 0;
};

Totals check_op(const std::string& op, Device& device) {
  Totals totals;
  for (const OpCase& test : CaseTable::global().of(op)) {
    if (test.large && !run_large_cases()) continue;
    ++totals.cases;
    totals.gradients += test.gradient ? 1 : 0;
    for (const KernelCandidate* candidate :
         CandidateRegistry::global().find(op, device.backend())) {
      const CaseResult result = check_case(test, device, *candidate);
      totals.configurations += result.configurations;
      totals.failures += static_cast<int>(result.failures.size());
      totals.worst = std::max(totals.worst, result.worst);
      for (const std::string& failure : result.failures) fmt::print("{}\n", failure);
    }
  }
  return totals;
}

// Every configuration that solves a case, ready to be launched.
struct Contestant {
  std::string name;
  std::unique_ptr<Kernel> kernel;
  Buffer workspace;
};

void time_case(const OpCase& test, Device& device) {
  const Problem problem = test.problem();
  const auto stream = device.make_stream();
  Workbench bench(problem, device, *stream);
  std::vector<Contestant> contestants;
  for (const KernelCandidate* candidate :
       CandidateRegistry::global().find(problem.op, device.backend()))
    for (const Configuration& configuration : candidate->query(problem, device).configurations)
      contestants.push_back(
          {candidate->id() + (configuration.name.empty() ? "" : "/" + configuration.name),
           candidate->prepare(problem, configuration, device),
           Buffer(device, configuration.workspace)});
  std::vector<std::function<void()>> bodies;
  for (Contestant& contestant : contestants)
    bodies.emplace_back([&] { bench.launch(*contestant.kernel, contestant.workspace.data()); });
  const std::vector<Timing> times = time_in_turns(device, *stream, bodies);
  std::size_t bytes = 0;
  for (const auto* types : {&problem.inputs, &problem.outputs})
    for (const TensorType& type : *types) bytes += type.bytes();
  for (std::size_t i = 0; i < times.size(); ++i)
    fmt::print("{:<10} {:<28} {:<44} {:<24} {:>10.1f} us +- {:<8.1f} {:>7.1f} GB/s\n",
               device.name(), problem.op, test.name, contestants[i].name, times[i].microseconds,
               times[i].spread, static_cast<double>(bytes) / times[i].microseconds / 1e3);
}

int report(bool timed, const std::vector<std::string>& ops) {
  int failures = 0, cases = 0;
  for (const std::string& name : test_devices()) {
    const auto device = open_device(name);
    for (const std::string& op : ops) {
      if (timed) {
        for (const OpCase& test : CaseTable::global().of(op))
          if (test.large) time_case(test, *device);
        continue;
      }
      const Totals totals = check_op(op, *device);
      fmt::print("{:<10} {:<32} {:>4} cases {:>5} launches  worst {:>8.3g} eps{}  {}\n", name, op,
                 totals.cases, totals.configurations, totals.worst,
                 totals.gradients > 0 ? fmt::format("  {:>3} gradients", totals.gradients)
                                      : std::string(15, ' '),
                 totals.failures == 0 ? "pass" : fmt::format("{} FAIL", totals.failures));
      failures += totals.failures;
      cases += totals.cases;
    }
  }
  if (!timed) fmt::print("{} ops, {} cases, {} failures\n", ops.size(), cases, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace engine::test

int main(int argc, char** argv) try {
  engine::initialize();
  std::vector<std::string> ops(argv + 1, argv + argc);
  const bool timed = std::erase(ops, "--time") > 0;
  for (const std::string& op : ops)
    if (engine::test::CaseTable::global().of(op).empty()) {
      fmt::print(stderr, "kernels_report: error: no op is called '{}'\n", op);
      return 2;
    }
  if (ops.empty()) ops = engine::test::CaseTable::global().ops();
  return engine::test::report(timed, ops);
} catch (const std::exception& failure) {
  fmt::print(stderr, "kernels_report: error: {}\n", failure.what());
  return 1;
}
