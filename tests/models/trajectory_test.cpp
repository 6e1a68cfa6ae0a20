// Every optimizer takes PyTorch's path: 50 steps on a small fixed problem, on every device. The
// table was written by tools/rosetta/optimizers.py.
#include "tests/models/trajectory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "tests/support/op_case.h"

namespace engine::test {
namespace {

constexpr double kBound = 1e-4;
constexpr std::size_t kProbes = 4;  // elements of each tensor

// Steps of one optimizer in the table: the loss, then kProbes elements a tensor.
using Rows = std::map<int, std::vector<double>>;

double number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  EXPECT_TRUE(error == std::errc{} && end == text.data() + text.size()) << text;
  return value;
}

std::map<std::string, Rows> read_table() {
  std::map<std::string, Rows> table;
  std::ifstream file(ENGINE_TRAJECTORIES);
  std::string line;
  std::getline(file, line);  // headings
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name, step, field;
    std::getline(fields, name, ',');
    std::getline(fields, step, ',');
    std::vector<double>& row = table[name][static_cast<int>(number(step))];
    while (std::getline(fields, field, ',')) row.push_back(number(field));
  }
  return table;
}

// The largest relative difference of loss and tensors.
double difference(const TrajectoryPoint& ours, const std::vector<double>& theirs) {
  double worst = std::abs(ours.loss - theirs[0]) / std::abs(theirs[0]);
  for (std::size_t t = 0; t < ours.parameters.size(); ++t) {
    const std::vector<float>& tensor = ours.parameters[t];
    double largest = 0, error = 0;
    for (std::size_t k = 0; k < kProbes; ++k) {
      const double expected = theirs[1 + t * kProbes + k];
      largest = std::max(largest, std::abs(expected));
      error = std::max(error, std::abs(tensor[k * (tensor.size() - 1) / 3] - expected));
    }
    worst = std::max(worst, error / largest);
  }
  return worst;
}

class Trajectory : public testing::TestWithParam<std::string> {};

TEST_P(Trajectory, IsPyTorchs) {
  const auto table = read_table();
  double worst = 0;
  for (const auto& [name, settings] : trajectory_optimizers()) {
    ASSERT_TRUE(table.contains(name)) << name;
    const Rows& rows = table.at(name);
    ASSERT_EQ(rows.rbegin()->first, 50) << name;
    const auto points = run_trajectory(settings, GetParam(), 50);
    for (const auto& [step, row] : rows) {
      ASSERT_EQ(row.size(), 1 + 4 * kProbes);
      const double found = difference(points[static_cast<std::size_t>(step) - 1], row);
      EXPECT_LT(found, kBound) << name << " step " << step;
      worst = std::max(worst, found);
    }
  }
  fmt::print("{}: {} optimizers, largest relative difference from PyTorch {:.2g}\n", GetParam(),
             trajectory_optimizers().size(), worst);
}

INSTANTIATE_TEST_SUITE_P(Devices, Trajectory, testing::ValuesIn(test_devices()),
                         [](const auto& test) {
                           return test.param.substr(0, test.param.find(':'));
                         });

}  // namespace
}  // namespace engine::test
