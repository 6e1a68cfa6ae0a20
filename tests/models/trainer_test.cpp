// Training end to end on small synthetic data: it learns, it resumes bit for bit from any step,
// partial batches count, and what goes wrong leaves the last good checkpoint.
#include "models/train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/core/error.h"
#include "engine/core/rng.h"
#include "models/data/memory.h"
#include "models/train/inference.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

struct Silent : Callback {
  void on_start(const TrainStart& start) override { started = start; }
  void on_progress(const TrainProgress& progress) override {
    if (stop_at > 0 && (progress.epoch - 1) * progress.steps + progress.step >= stop_at)
      stop = true;
  }
  void on_epoch(const EpochMetrics& metrics, TrainControl&) override { epochs.push_back(metrics); }

  TrainStart started{};
  std::vector<EpochMetrics> epochs;
  std::int64_t stop_at = 0;
  std::atomic<bool> stop = false;
};

// 1,000 observations in batches of 128: seven whole ones and one of 104.
TrainSettings settings(std::int64_t epochs, const std::string& device = "cpu") {
  TrainSettings s = default_settings("mnist-mlp");
  s.data = "synthetic:1000";
  s.epochs = epochs;
  s.seed = 5;
  s.device = device;
  s.autotune = "off";
  return s;
}

// Small, for runs of many epochs.
ModelDefinition small_model() {
  return {"small", "for tests", Network(Shape{784}).dense(24).relu().dropout(0.2).dense(10)};
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
  EXPECT_GT(*result.test.accuracy, 0.5);
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

// A learning rate that leads to overflow within a few steps.
TrainSettings astray() {
  TrainSettings s = settings(2);
  s.optimizer = default_optimizer("sgd");
  s.optimizer.learning_rate = 1e5;
  return s;
}

TEST(Trainer, ABadStepChangesNothingAndIsNamed) {
  const ScratchFolder scratch;
  Silent first, second;
  std::string message;
  try {
    train(astray(), {scratch / "run", ""}, first, first.stop);
  } catch (const TrainingError& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("step "), std::string::npos) << message;
  EXPECT_NE(message.find("are not finite, the first at"), std::string::npos) << message;
  EXPECT_NE(message.find("'dense_"), std::string::npos) << message;
  const std::string before = read_text(last(scratch / "run"));
  // The state from before the step was saved: going on from it meets the same step.
  EXPECT_THROW(train(astray(), {"", scratch / "run"}, second, second.stop), TrainingError);
  EXPECT_GT(second.started.first_step, 0);
  EXPECT_TRUE(read_text(last(scratch / "run")) == before);
}

TEST(Trainer, BadStepsCanBeSkipped) {
  const ScratchFolder scratch;
  Silent observer;
  TrainSettings s = astray();
  s.skip_bad_steps = true;
  const TrainResult result = train(s, {scratch / "run", ""}, observer, observer.stop);
  EXPECT_EQ(result.steps, 16);
  EXPECT_GT(result.skipped_steps, 0);
  EXPECT_LT(result.skipped_steps, 16);
}

TEST(Trainer, AValidationPartIsHeldBack) {
  const ScratchFolder scratch;
  Silent observer;
  TrainSettings s = settings(3);
  s.validation_split = 0.232;
  const TrainResult result = train(s, {scratch / "run", ""}, observer, observer.stop);
  EXPECT_EQ(result.steps, 3 * 6);  // 768 observations in batches of 128
  EXPECT_TRUE(std::filesystem::exists(scratch / "run/checkpoints/best.safetensors"));
  EXPECT_EQ(result.best_validation_loss,
            *observer.epochs.at(result.best_epoch - 1).validation_loss);
  for (const EpochMetrics& epoch : observer.epochs)
    EXPECT_GE(*epoch.validation_loss, result.best_validation_loss);
  // 232 observations: their accuracy is a multiple of 1/232.
  const double right = *observer.epochs[0].validation_accuracy * 232;
  EXPECT_NEAR(right, std::round(right), 1e-9);
}

TEST(Trainer, StopsEarlyAndResumedRunsRememberTheWait) {
  const ScratchFolder scratch;
  TrainSettings s = settings(40);
  s.optimizer.learning_rate = 0.05;
  s.patience = 2;
  Silent whole;
  const TrainResult result = train(small_model(), s, {scratch / "whole", ""}, whole, whole.stop);
  ASSERT_FALSE(result.stopped.empty());
  const auto epochs = static_cast<std::int64_t>(whole.epochs.size());
  EXPECT_LT(epochs, 40);
  EXPECT_EQ(epochs, result.best_epoch + 2);

  Silent first, second;
  TrainSettings part = s;
  part.max_steps = (epochs - 1) * 8;
  train(small_model(), part, {scratch / "run", ""}, first, first.stop);
  const TrainResult resumed = train(small_model(), s, {"", scratch / "run"}, second, second.stop);
  EXPECT_EQ(second.started.history.size(), static_cast<std::size_t>(epochs - 1));
  EXPECT_EQ(second.epochs.size(), 1u);
  EXPECT_EQ(resumed.best_epoch, result.best_epoch);
  EXPECT_TRUE(read_text(last(scratch / "run")) == read_text(last(scratch / "whole")));
}

// Everything at once that has state of its own.
TEST(Trainer, AccumulationClippingAndPlateausResumeBitForBit) {
  const ScratchFolder scratch;
  TrainSettings s = settings(4);
  s.optimizer = default_optimizer("adam");
  s.optimizer.learning_rate = 0.02;
  s.optimizer.accumulate = 3;
  s.optimizer.clip_norm = 0.5;
  s.optimizer.weight_decay = 1e-4;
  s.optimizer.schedule = parse_schedule("plateau:1:0.5+warmup:2");
  Silent whole;
  train(small_model(), s, {scratch / "whole", ""}, whole, whole.stop);
  for (std::int64_t stop_after : {4, 16, 23}) {
    const std::string run = scratch / ("stopped" + std::to_string(stop_after));
    Silent first, second;
    TrainSettings part = s;
    part.max_steps = stop_after;
    train(small_model(), part, {run, ""}, first, first.stop);
    train(small_model(), s, {"", run}, second, second.stop);
    EXPECT_TRUE(read_text(last(run)) == read_text(last(scratch / "whole")))
        << "resumed after step " << stop_after;
  }
}

TEST(Trainer, PlateausLowerTheLearningRate) {
  const ScratchFolder scratch;
  Silent observer;
  TrainSettings s = settings(12);
  s.optimizer.learning_rate = 0.05;
  s.optimizer.schedule = parse_schedule("plateau:1:0.1");
  train(small_model(), s, {scratch / "run", ""}, observer, observer.stop);
  EXPECT_NEAR(*observer.epochs.front().learning_rate, 0.05, 1e-8);
  EXPECT_LT(*observer.epochs.back().learning_rate, 0.051 * 0.1);
}

// y = (x0 + 2·x1, x0 · x1), learned from numbers.
ArrayPart surface(int count, std::uint64_t seed) {
  const RandomKey key = random_key(seed, "surface");
  std::vector<float> x, y;
  for (int i = 0; i < count; ++i) {
    const auto draw = [&](std::uint64_t which) {
      return static_cast<float>(
          2 * uniform_from_word(random_word(key, which, static_cast<std::uint64_t>(i))) - 1);
    };
    const float a = draw(0), b = draw(1);
    x.insert(x.end(), {a, b});
    y.insert(y.end(), {a + 2 * b, a * b});
  }
  return {x, y};
}

class RegressionLoss : public testing::TestWithParam<Loss> {};
INSTANTIATE_TEST_SUITE_P(Trainer, RegressionLoss,
                         testing::Values(Loss::mean_squared_error, Loss::huber_loss),
                         [](const auto& test) { return loss_name(test.param); });

TEST_P(RegressionLoss, FitsNumbers) {
  const ScratchFolder scratch;
  Silent observer;
  ModelDefinition model{"surface", "two numbers from two",
                        Network(Shape{2}).dense(32).relu().dense(2)};
  model.loss = GetParam();
  model.batch = 32;
  TrainSettings s = default_settings(model);
  s.optimizer = default_optimizer("adam");
  s.optimizer.learning_rate = 0.01;
  s.epochs = 20;
  s.device = "cpu";
  const TrainResult result =
      train(model, make_dataset(Shape{2}, 0, surface(1000, 1), surface(200, 2)), s,
            {scratch / "run", ""}, observer, observer.stop);
  EXPECT_FALSE(result.test.accuracy.has_value());
  EXPECT_LT(result.test.loss, 0.02);

  InferenceSession session(model, last(scratch / "run"), 7);
  const std::vector<float> answer = session.predict(std::vector<float>{0.5f, 0.25f, -0.5f, 0.5f});
  ASSERT_EQ(answer.size(), 4u);
  EXPECT_NEAR(answer[0], 1.0, 0.3);
  EXPECT_NEAR(answer[2], 0.5, 0.3);
  EXPECT_THROW(session.predict(std::vector<float>{1, 2, 3}), UsageError);
}

TEST(Trainer, TellsTwoClassesApartByASigmoid) {
  const ScratchFolder scratch;
  Silent observer;
  ModelDefinition model{"two", "two classes", Network(Shape{20}).dense(16).relu().dense(1)};
  model.loss = Loss::sigmoid_cross_entropy;
  model.classes = 2;
  model.batch = 32;
  TrainSettings s = default_settings(model);
  s.data = "synthetic:640";
  s.epochs = 6;
  s.device = "cpu";
  s.optimizer = default_optimizer("adam");
  s.optimizer.learning_rate = 0.02;
  const TrainResult result = train(model, s, {scratch / "run", ""}, observer, observer.stop);
  EXPECT_GT(*result.test.accuracy, 0.9);
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
  own.optimizer = default_optimizer("sgd");
  own.optimizer.learning_rate = 0.1;
  own.optimizer.momentum = 0.9;
  const TrainResult result = train(model, own, {scratch / "run", ""}, observer, observer.stop);
  EXPECT_EQ(observer.started.parameters, 30 * 16 + 16 + 16 * 4 + 4);
  EXPECT_GT(*result.test.accuracy, 0.5);
}

// Bytes that are scaled, shifted and divided by channel teach what the same numbers do.
TEST(Trainer, NormalizesByChannel) {
  const ScratchFolder scratch;
  Silent observer;
  ModelDefinition model{"channels", "two channels of three pixels",
                        Network(Shape{2, 3}).flatten().dense(8).relu().dense(2)};
  model.classes = 2;
  model.batch = 8;
  std::vector<std::uint8_t> pixels, labels;
  std::vector<float> seen;
  for (int i = 0; i < 64 * 6; ++i) {
    pixels.push_back(static_cast<std::uint8_t>(i * 37 + i * i));
    const bool second = i % 6 >= 3;
    seen.push_back((static_cast<float>(pixels.back()) / 255 - (second ? 0.25f : 0.5f)) /
                   (second ? 4 : 0.5f));
    if (i % 6 == 0) labels.push_back(pixels.back() > 127);
  }
  TrainSettings s = default_settings(model);
  s.epochs = 5;
  s.device = "cpu";
  std::string run;
  int runs = 0;
  const auto train_on = [&](const ArrayPart& part, const ModelDefinition& on) {
    run = scratch / ("run" + std::to_string(++runs));
    return train(on, make_dataset(Shape{2, 3}, 2, part, part), s, {run, ""}, observer,
                 observer.stop)
        .test.loss;
  };
  const double expected = train_on({seen, labels}, model);
  EXPECT_GT(std::abs(train_on({pixels, labels}, model) - expected), 1e-3);
  model.input_mean = {0.5, 0.25};
  model.input_deviation = {0.5, 4};
  EXPECT_NEAR(train_on({pixels, labels}, model), expected, 1e-5);

  const std::vector<std::uint8_t> some(pixels.begin(), pixels.begin() + 12);
  std::vector<float> scaled;
  for (std::uint8_t pixel : some) scaled.push_back(static_cast<float>(pixel) / 255);
  InferenceSession of_bytes(model, last(run), 2, DType::u8);
  InferenceSession of_numbers(model, last(run), 2);
  const std::vector<float> a = of_bytes.predict(some), b = of_numbers.predict(scaled);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
  model.input_deviation = {0.5, 0};
  EXPECT_THROW(train_on({pixels, labels}, model), UsageError);
}

TEST(Trainer, OutputsAndTargetsThatDoNotGoTogether) {
  const ScratchFolder scratch;
  Silent observer;
  for (Loss loss : {Loss::mean_squared_error, Loss::huber_loss, Loss::sigmoid_cross_entropy}) {
    ModelDefinition model{"three", "", Network(Shape{20}).dense(3)};
    model.loss = loss;
    try {
      train(model, settings(1), {scratch / "run", ""}, observer, observer.stop);
      FAIL() << "three outputs were compared with a label";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(loss_name(loss) + " compares 3 outputs"),
                std::string::npos)
          << error.what();
    }
  }
}

TEST(Trainer, ASoftmaxBeforeTheLossIsNotAppliedTwice) {
  const ScratchFolder scratch;
  for (const char* end : {"softmax", "log_softmax"}) {
    Silent plain, with_end;
    ModelDefinition logits = small_model(), probabilities = small_model();
    probabilities.network.add(end, {});
    train(logits, settings(1), {scratch / (std::string("a") + end), ""}, plain, plain.stop);
    train(probabilities, settings(1), {scratch / (std::string("b") + end), ""}, with_end,
          with_end.stop);
    EXPECT_EQ(plain.epochs.at(0).loss, with_end.epochs.at(0).loss) << end;
    EXPECT_EQ(plain.epochs.at(0).validation_loss, with_end.epochs.at(0).validation_loss) << end;
  }
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
