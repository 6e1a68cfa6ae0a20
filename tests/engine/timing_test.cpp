#include "engine/tune/timing.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/core/error.h"
#include "tests/engine/clocked_device.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

class TimeInTurns : public testing::Test {
 protected:
  // A body that takes `microseconds` and counts its runs.
  std::function<void()> body(double microseconds, int& runs) {
    return [microseconds, &runs] {
      ClockedDevice::advance(microseconds);
      ++runs;
    };
  }
  std::vector<Timing> time(const std::vector<std::function<void()>>& bodies) {
    return time_in_turns(device_, *device_.make_stream(), bodies);
  }
  ClockedDevice device_;
};

TEST_F(TimeInTurns, MedianAndSpread) {
  int runs = 0;
  const auto timings = time({[&] { ClockedDevice::advance(100 + ++runs % 5); }});
  EXPECT_NEAR(timings.at(0).microseconds, 102, 0.5);
  EXPECT_NEAR(timings.at(0).spread, 2, 0.5);
}

TEST_F(TimeInTurns, RunsFollowTheBudget) {
  int quick = 0, middling = 0, slow = 0, heavy = 0;
  time({body(1, quick)});
  time({body(1000, middling)});
  time({body(8000, slow)});
  time({body(1e6, heavy)});
  EXPECT_EQ(quick, 4 + 5 * 41);    // at most 200 counted runs
  EXPECT_EQ(middling, 4 + 5 * 9);  // 40 ms
  EXPECT_EQ(slow, 4 + 5 * 3);      // at least 10
  EXPECT_EQ(heavy, 1 + 3);         // it cares for no caches
}

TEST_F(TimeInTurns, WhoIsBeatenGetsNoMoreRuns) {
  int best = 0, near = 0, beaten = 0, hopeless = 0;
  time({body(8e6, hopeless), body(1e6, best), body(1.4e6, near), body(2e6, beaten)});
  EXPECT_EQ(best, 1 + 3);
  EXPECT_EQ(near, 1 + 3);
  EXPECT_EQ(beaten, 1 + 1);  // a round told
  EXPECT_EQ(hopeless, 1);    // the trial told
}

TEST_F(TimeInTurns, FailureIsNotContagious) {
  int runs = 0;
  const auto timings = time({body(5, runs), [] { throw std::runtime_error("broke"); }});
  EXPECT_EQ(timings.at(0).failure, "");
  EXPECT_NEAR(timings.at(0).microseconds, 5, 1e-6);
  EXPECT_EQ(timings.at(1).failure, "broke");
  EXPECT_TRUE(time({}).empty());
}

TEST(FailureOf, StickyErrorsPass) {
  EXPECT_EQ(failure_of([] {}), "");
  EXPECT_EQ(failure_of([] { throw DeviceError("busy"); }), "busy");
  EXPECT_NE(failure_of([] { throw std::runtime_error(""); }), "");
  EXPECT_THROW(failure_of([] { throw DeviceError("lost", true); }), DeviceError);
}

}  // namespace
}  // namespace engine
