// The drawing of a run: it has a curve for what was measured and nothing for what was not.
#include "models/draw/training_plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace engine {
namespace {

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

EpochMetrics row(int epoch) {
  EpochMetrics metrics;
  metrics.epoch = epoch;
  metrics.loss = 1.0 / epoch;
  metrics.accuracy = 1 - 0.5 / epoch;
  metrics.validation_loss = 1.1 / epoch + 0.01 * epoch;
  metrics.validation_accuracy = 0.9 - 0.5 / epoch;
  return metrics;
}

std::vector<EpochMetrics> rows(int epochs) {
  std::vector<EpochMetrics> all;
  for (int epoch = 1; epoch <= epochs; ++epoch) all.push_back(row(epoch));
  return all;
}

TEST(TrainingPlot, DrawsACurveForEachColumn) {
  const std::string plot = training_plot(rows(20), "a <run>");
  EXPECT_EQ(count(plot, "<polyline"), 4);
  EXPECT_EQ(count(plot, ">training<"), 2);
  EXPECT_EQ(count(plot, ">validation<"), 2);
  EXPECT_EQ(count(plot, ">test<"), 0);
  EXPECT_EQ(count(plot, "a &lt;run&gt;"), 1);
  // 1.1/n + n/100 is least at n = 10 (0.21) or 11 (0.21); the last values are told, too.
  EXPECT_EQ(count(plot, "lowest validation 0.2100 at epoch 1"), 1);
  EXPECT_EQ(count(plot, "highest validation 0.8750 at epoch 20"), 1);
  EXPECT_EQ(count(plot, ">0.0500<"), 1);
}

TEST(TrainingPlot, LeavesGapsWhereThereIsNoValue) {
  std::vector<EpochMetrics> some = rows(9);
  some[4].loss = std::numeric_limits<double>::quiet_NaN();
  some[2].validation_loss.reset();
  const std::string plot = training_plot(some, "");
  EXPECT_EQ(count(plot, "<polyline"), 2 + 2 + 2);
  EXPECT_EQ(count(plot, "nan"), 0);
}

TEST(TrainingPlot, DrawsRunsOfAnyLength) {
  EXPECT_EQ(count(training_plot({}, ""), "no values"), 2);
  EXPECT_EQ(count(training_plot(rows(1), ""), "<polyline"), 0);
  EXPECT_EQ(count(training_plot(rows(1), ""), "at epoch 1<"), 2);
  EXPECT_EQ(count(training_plot(rows(5000), ""), "<polyline"), 4);
  std::vector<EpochMetrics> diverged = rows(3);
  diverged[1].loss = 1e308;
  diverged[2].loss = -1e308;
  EXPECT_EQ(count(training_plot(diverged, ""), "inf"), 0);
}

}  // namespace
}  // namespace engine
