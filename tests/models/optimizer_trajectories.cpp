// Prints our side of tools/rosetta/optimizers.py: the trajectory of every optimizer on the small
// problem of tests/models/trajectory.h, one JSON object a step.
//
//   engine-optimizer-trajectories [DEVICE] [STEPS]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "engine/core/error.h"
#include "tests/models/trajectory.h"

namespace {

using namespace engine;

void print(const std::string& optimizer, std::size_t step, const test::TrajectoryPoint& point) {
  std::string parameters;
  for (const auto& tensor : point.parameters)
    parameters += fmt::format("{}[{}]", parameters.empty() ? "" : ",", fmt::join(tensor, ","));
  fmt::print("{{\"optimizer\":\"{}\",\"step\":{},\"loss\":{},\"parameters\":[{}]}}\n", optimizer,
             step, point.loss, parameters);
}

int steps_from(std::string_view text) {
  int steps = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), steps);
  if (error != std::errc{} || end != text.data() + text.size() || steps < 1)
    throw UsageError(fmt::format("steps '{}', expected a number from 1 up", text));
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string device = argc > 1 ? argv[1] : "cpu";
    const int steps = argc > 2 ? steps_from(argv[2]) : 50;
    for (const auto& [name, settings] : test::trajectory_optimizers()) {
      std::size_t step = 0;
      for (const auto& point : test::run_trajectory(settings, device, steps))
        print(name, ++step, point);
    }
  } catch (const Error& error) {
    fmt::print(stderr, "engine-optimizer-trajectories: {}\n", error.what());
    return 1;
  }
  return 0;
}
