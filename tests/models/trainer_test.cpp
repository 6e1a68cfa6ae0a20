// Training end to end on small synthetic data: it learns, it resumes bit for bit from any step,
// partial batches count, and what goes wrong leaves the last good checkpoint.
#include "models/train/trainer.h"

#include <gtest/gtest.h>

#include "engine/core/error.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

struct Silent : TrainObserver {
  void on_tuning(const std::string&, const std::string&, int, int) override {}
  void on_start(const TrainStart& start) override { started = start; }
  void on_progress(const TrainProgress& progress) override {
    if (stop_at > 0 && (progress.epoch - 1) * progress.steps + progress.step >= stop_at)
      stop = true;
  }
  void on_epoch(const EpochMetrics& metrics) override { epochs.push_back(metrics); }

  TrainStart started{};
  std::vector<EpochMetrics> epochs;
  std::int64_t stop_at = 0;
  std::atomic<bool> stop = false;
};

// 1,000 observations in batches of 128: seven whole ones and one of 104.
TrainSettings settings(std::int64_t epochs, const std::string& device = "cpu") {
  TrainSettings s = default_settings(find_model("mnist-mlp"));
  s.data = "synthetic:1000";
  s.epochs = epochs;
  s.seed = 5;
  s.device = device;
  s.autotune = "off";
  return s;
}

std::string last(const std::string& run) {
  return run + "/checkpoints/last.safetensors";
}

class TrainerTest : public testing::TestWithParam<std::string> {};

TEST_P(TrainerTest, LearnsAndReports) {
  const ScratchFolder scratch;
  Silent observer;
  const TrainResult result =
      train(settings(3, GetParam()), {scratch / "run", ""}, observer, observer.stop);
  EXPECT_EQ(result.steps, 3 * 8);
  EXPECT_FALSE(result.interrupted);
  ASSERT_EQ(observer.epochs.size(), 3u);
  EXPECT_LT(*observer.epochs[2].loss, *observer.epochs[0].loss);
  EXPECT_GT(result.test.accuracy, 0.5);
  EXPECT_EQ(observer.started.parameters, 669706);
  EXPECT_EQ(observer.started.memory.total(), result.peak_bytes);
}

TEST_P(TrainerTest, ResumesBitForBitFromAnyStep) {
  const ScratchFolder scratch;
  Silent whole;
  train(settings(2, GetParam()), {scratch / "whole", ""}, whole, whole.stop);
  const std::string expected = read_text(last(scratch / "whole"));
  for (std::int64_t stop_after : {3, 8, 11}) {
    const std::string run = scratch / ("stopped" + std::to_string(stop_after));
    Silent first, second;
    TrainSettings partial = settings(2, GetParam());
    partial.max_steps = stop_after;
    train(partial, {run, ""}, first, first.stop);
    train(settings(2, GetParam()), {"", run}, second, second.stop);
    EXPECT_EQ(second.started.first_step, stop_after);
    EXPECT_TRUE(read_text(last(run)) == expected) << "resumed after step " << stop_after;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, TrainerTest, testing::ValuesIn(test::test_devices()),
                         [](const auto& test) { return test.param; });

TEST(Trainer, AnInterruptedRunSavesAndResumes) {
  const ScratchFolder scratch;
  Silent whole, first, second;
  train(settings(2), {scratch / "whole", ""}, whole, whole.stop);
  first.stop_at = 2;
  const TrainResult result = train(settings(2), {scratch / "run", ""}, first, first.stop);
  EXPECT_TRUE(result.interrupted);
  EXPECT_LT(result.steps, 16);
  train(settings(2), {"", scratch / "run"}, second, second.stop);
  EXPECT_TRUE(read_text(last(scratch / "run")) == read_text(last(scratch / "whole")));
}

TEST(Trainer, CheckpointsInsideAnEpochChangeNothing) {
  const ScratchFolder scratch;
  Silent a, b;
  train(settings(1), {scratch / "a", ""}, a, a.stop);
  TrainSettings often = settings(1);
  often.checkpoint_every = 3;
  train(often, {scratch / "b", ""}, b, b.stop);
  EXPECT_TRUE(read_text(last(scratch / "a")) == read_text(last(scratch / "b")));
}

TEST(Trainer, ALossThatIsNotFiniteKeepsTheLastGoodCheckpoint) {
  const ScratchFolder scratch;
  Silent first, second;
  TrainSettings astray = settings(2);
  astray.optimizer = {"sgd", 1e5, 0, 0.9, 1e-7};
  astray.checkpoint_every = 1;
  EXPECT_THROW(train(astray, {scratch / "run", ""}, first, first.stop), TrainingError);
  const std::string good = read_text(last(scratch / "run"));
  // It loads, its totals are finite, and going on from it ends at the same place.
  EXPECT_THROW(train(astray, {"", scratch / "run"}, second, second.stop), TrainingError);
  EXPECT_GT(second.started.first_step, 0);
  EXPECT_TRUE(read_text(last(scratch / "run")) == good);
}

TEST(Trainer, TrainsANetworkOfTheApplicationsOwn) {
  const ScratchFolder scratch;
  Silent observer;
  Network network(Shape{5, 7});
  EXPECT_THROW(train({"flat", "", network.relu().dense(3)}, settings(1), {scratch / "bad", ""},
                     observer, observer.stop),
               ShapeError);  // [batch, 5, 7] into a dense layer
  ModelDefinition model{"own", "a small one", Network(Shape{30}).dense(16).relu().dense(4)};
  model.classes = 4;
  TrainSettings own = default_settings(model);
  own.data = "synthetic:600";
  own.epochs = 3;
  own.device = "cpu";
  own.optimizer = {"sgd", 0.1, 0.9, 0.9, 1e-7};
  const TrainResult result = train(model, own, {scratch / "run", ""}, observer, observer.stop);
  EXPECT_EQ(observer.started.parameters, 30 * 16 + 16 + 16 * 4 + 4);
  EXPECT_GT(result.test.accuracy, 0.5);
}

TEST(Trainer, AResumedRunKeepsItsSettings) {
  const ScratchFolder scratch;
  Silent a, b;
  train(settings(1), {scratch / "run", ""}, a, a.stop);
  TrainSettings other = settings(2);
  other.batch = 64;
  EXPECT_THROW(train(other, {"", scratch / "run"}, b, b.stop), UsageError);
}

TEST(Trainer, MemoryLimitsAreCheckedBeforeAnythingIsAllocated) {
  const ScratchFolder scratch;
  Silent observer;
  TrainSettings tight = settings(1);
  tight.memory_limit = 1 << 20;
  try {
    train(tight, {scratch / "run", ""}, observer, observer.stop);
    FAIL() << "a run of over 1 MiB was allowed";
  } catch (const OutOfMemoryError& error) {
    EXPECT_NE(std::string(error.what()).find("1048576"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace engine
