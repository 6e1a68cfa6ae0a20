#include "random.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "environment.h"

namespace simcuda {

void Schedule::seed(std::uint64_t value) {
  shuffled = value != 0;
  random.seed(value);
}

Schedule& schedule() {
  static Schedule instance = [] {
    Schedule fresh;
    fresh.seed(environment_seed());
    return fresh;
  }();
  return instance;
}

Permutation::Permutation(std::uint64_t count, Schedule& schedule) : count_(count) {
  if (!schedule.shuffled || count < 2) return;
  const auto bound = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
  next_ = schedule.random.below(bound);
  do {
    stride_ = 1 + schedule.random.below(bound - 1);
  } while (std::gcd(stride_, count) != 1);
}

}  // namespace simcuda
