// Training from a stream gives the bits that training on resident data gives, and ends as cleanly.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "engine/core/error.h"
#include "models/train/trainer.h"
#include "tests/models/data/image_files.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

struct Watch : Callback {
  void on_start(const TrainStart& start) override {
    started = start;
    if (then) then();
  }
  void on_progress(const TrainProgress& progress) override {
    if (stop_at > 0 && progress.step >= stop_at) stop = true;
  }
  void on_epoch(const EpochMetrics& metrics, TrainControl&) override { epochs.push_back(metrics); }

  TrainStart started{};
  std::vector<EpochMetrics> epochs;
  std::function<void()> then;
  std::int64_t stop_at = 0;
  std::atomic<bool> stop = false;
};

/// 800 observations in batches of 64, the last one of 32, and 200 for validation.
TrainSettings settings(const std::string& pipeline, std::int64_t threads = 0) {
  TrainSettings s = default_settings("mnist-mlp");
  s.data = "synthetic:1000";
  s.validation_split = 0.2;
  s.batch = 64;
  s.epochs = 2;
  s.seed = 5;
  s.device = "cpu";
  s.autotune = "off";
  s.data_pipeline = pipeline;
  s.loader_threads = threads;
  return s;
}

ModelDefinition small_model() {
  return {"small", "for tests", Network(Shape{784}).dense(24).relu().dropout(0.2).dense(10)};
}

std::string last(const std::string& run) {
  return read_text(run + "/checkpoints/last.safetensors");
}

class StreamTest : public testing::TestWithParam<std::string> {
 protected:
  TrainSettings settings(const std::string& pipeline, std::int64_t threads = 0) const {
    TrainSettings s = engine::settings(pipeline, threads);
    s.device = GetParam();
    return s;
  }
};

TEST_P(StreamTest, GivesTheBitsOfResidentData) {
  const ScratchFolder scratch;
  Watch resident;
  const TrainResult expected =
      train(small_model(), settings("resident"), {scratch / "resident", ""}, resident);
  EXPECT_EQ(expected.data_wait_share, 0);
  for (std::int64_t threads : {1, 3}) {
    Watch stream;
    const std::string run = scratch / ("stream" + std::to_string(threads));
    const TrainResult result = train(small_model(), settings("stream", threads), {run, ""}, stream);
    EXPECT_TRUE(last(run) == last(scratch / "resident")) << threads << " threads";
    EXPECT_EQ(result.test.loss, expected.test.loss);
    ASSERT_EQ(stream.epochs.size(), 2u);
    for (std::size_t i : {0, 1}) {
      EXPECT_EQ(stream.epochs[i].loss, resident.epochs[i].loss);
      EXPECT_EQ(stream.epochs[i].validation_loss, resident.epochs[i].validation_loss);
    }
    EXPECT_LT(stream.started.memory.data, resident.started.memory.data);
    EXPECT_NE(stream.started.data.find("streamed"), std::string::npos) << stream.started.data;
  }
}

TEST_P(StreamTest, ResumesBitForBitFromEitherPipeline) {
  const ScratchFolder scratch;
  Watch watch;
  train(small_model(), settings("resident"), {scratch / "whole", ""}, watch);
  for (const auto& [first, second] : {std::pair("stream", "resident"), {"resident", "stream"}}) {
    const std::string run = scratch / first;
    TrainSettings part = settings(first);
    part.max_steps = 7;
    train(small_model(), part, {run, ""}, watch);
    train(small_model(), settings(second), {"", run}, watch);
    EXPECT_TRUE(last(run) == last(scratch / "whole")) << first << ", then " << second;
  }
}

// A step that is not finite is repeated until the host sees it, on the batch that it has.
TEST_P(StreamTest, ABadStepChangesNothing) {
  const ScratchFolder scratch;
  std::string messages[2];
  for (const char* pipeline : {"resident", "stream"}) {
    TrainSettings astray = settings(pipeline);
    astray.optimizer = default_optimizer("sgd");
    astray.optimizer.learning_rate = 1e5;
    Watch watch;
    try {
      train(astray, {scratch / pipeline, ""}, watch);
    } catch (const TrainingError& error) {
      const std::string message = error.what();
      messages[*pipeline == 's'] = message.substr(0, message.find("saved in"));
    }
  }
  EXPECT_NE(messages[0].find("are not finite"), std::string::npos) << messages[0];
  EXPECT_EQ(messages[0], messages[1]);
  EXPECT_TRUE(last(scratch / "stream") == last(scratch / "resident"));
}

INSTANTIATE_TEST_SUITE_P(Devices, StreamTest, testing::ValuesIn(test::test_devices()),
                         [](const auto& test) { return test.param; });

TEST(Stream, IsChosenWhereDataDoNotFit) {
  const ScratchFolder scratch;
  TrainSettings s = settings("auto");
  s.data = "synthetic:60000";
  s.max_steps = 3;
  Watch free, tight, refused;
  train(small_model(), s, {scratch / "free", ""}, free);
  EXPECT_EQ(free.started.data.find("streamed"), std::string::npos);
  const MemoryBudget& memory = free.started.memory;
  s.memory_limit = static_cast<std::int64_t>(memory.total() - memory.data / 2);
  train(small_model(), s, {scratch / "tight", ""}, tight);
  EXPECT_NE(tight.started.data.find("streamed"), std::string::npos);
  EXPECT_TRUE(last(scratch / "tight") == last(scratch / "free"));
  s.data_pipeline = "resident";
  EXPECT_THROW(train(small_model(), s, {scratch / "refused", ""}, refused), OutOfMemoryError);
}

// What would lie in the CPU's memory as a whole in any case is not streamed there.
TEST(Stream, HasToHelp) {
  struct Held : Dataset {
    const std::string& description() const override { return whole->description(); }
    TensorType observation_type() const override { return whole->observation_type(); }
    int classes() const override { return whole->classes(); }
    std::int64_t count(Part part) const override { return whole->count(part); }
    void read_observations(Part, const ByteSink&) const override {}
    void read_targets(Part, const ByteSink&) const override {}
    std::unique_ptr<Dataset> whole = open_dataset("synthetic:100", {Shape{784}, 10});
  };
  RuntimeOptions options;
  options.device = "cpu";
  options.memory_limit = 1;
  Runtime runtime(options);
  const Held held;
  std::vector<bool> compiled;
  const auto choose = [&](const Dataset& data, DataPipeline wanted) {
    return compile_for_data(runtime, data, std::array{Part::train}, wanted,
                            [&](bool stream) { compiled.push_back(stream); });
  };
  EXPECT_TRUE(choose(*held.whole, DataPipeline::automatic));
  EXPECT_FALSE(choose(held, DataPipeline::automatic));
  EXPECT_TRUE(choose(held, DataPipeline::stream));
  EXPECT_FALSE(choose(*held.whole, DataPipeline::resident));
  EXPECT_EQ(compiled, (std::vector<bool>{true, false, true, false}));
}

TEST(Stream, AnInterruptedRunSavesAndResumes) {
  const ScratchFolder scratch;
  Watch whole, first, second;
  train(settings("stream"), {scratch / "whole", ""}, whole);
  first.stop_at = 3;
  const TrainResult result = train(settings("stream"), {scratch / "run", ""}, first, first.stop);
  EXPECT_TRUE(result.interrupted);
  EXPECT_LT(result.steps, 26);
  train(settings("stream"), {"", scratch / "run"}, second);
  EXPECT_TRUE(last(scratch / "run") == last(scratch / "whole"));
}

/// 30 images of each of two classes, three of them for testing.
void write_images(const ScratchFolder& folder) {
  for (const auto& [name, shade] : {std::pair("ape", 0), {"bee", 60}}) {
    std::filesystem::create_directories(folder / name);
    for (int i = 0; i < 30; ++i) {
      Image image = gradient_image(12 + i % 3, 14);
      for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(pixel + shade + i);
      write_text(folder / name + "/" + std::to_string(i) + ".png", png_bytes(image));
    }
  }
}

TrainSettings image_settings(const ModelDefinition& model, const ScratchFolder& folder) {
  TrainSettings s = settings("stream", 3);
  s.model = model.name;
  s.data = folder.path();
  s.validation_split = 0;
  s.batch = 8;
  s.epochs = 12;
  s.optimizer.learning_rate = 0.003;
  return s;
}

ModelDefinition image_model() {
  ModelDefinition model{"images", "for tests",
                        Network(Shape{3, 7, 7}).flatten().dense(16).relu().dense(2)};
  model.classes = 2;
  model.input_mean = {0.5, 0.25, 0.125};
  model.input_deviation = {0.25};
  return model;
}

TEST(Stream, RandomCropsLearnAndResumeBitForBit) {
  const ScratchFolder folder, scratch;
  write_images(folder);
  const ModelDefinition model = image_model();
  TrainSettings s = image_settings(model, folder), other = s;
  s.random_crop = true;
  s.data_pipeline = "auto";
  Watch watch;
  train(model, s, {scratch / "whole", ""}, watch);
  EXPECT_LT(watch.epochs.back().loss, watch.epochs.front().loss);
  EXPECT_NE(watch.started.data.find("streamed"), std::string::npos);
  TrainSettings part = s;
  part.max_steps = 25;
  train(model, part, {scratch / "run", ""}, watch);
  s.loader_threads = 1;
  train(model, s, {"", scratch / "run"}, watch);
  EXPECT_TRUE(last(scratch / "run") == last(scratch / "whole"));
  train(model, other, {scratch / "uncut", ""}, watch);
  EXPECT_FALSE(last(scratch / "uncut") == last(scratch / "whole"));
}

TEST(Stream, RandomCropsAreOfImageFoldersAlone) {
  const ScratchFolder scratch;
  Watch watch;
  TrainSettings s = settings("auto");
  s.random_crop = true;
  expect_error<UsageError>(
      [&] {
        train(s, {scratch / "run", ""}, watch);
      },
      {"--random-crop", "synthetic"});
  s.data_pipeline = "resident";
  expect_error<UsageError>(
      [&] {
        train(s, {scratch / "run", ""}, watch);
      },
      {"--random-crop", "resident"});
}

TEST(Stream, AnImageThatBreaksWhileTrainingIsNamed) {
  const ScratchFolder folder, scratch;
  write_images(folder);
  Watch watch;
  watch.then = [&] { write_text(folder / "bee/17.png", "damaged since"); };
  expect_error<DataError>(
      [&] {
        train(image_model(), image_settings(image_model(), folder), {scratch / "run", ""}, watch);
      },
      {folder / "bee/17.png", "neither like a JPEG"});
  EXPECT_NE(read_text(scratch / "run/log.txt").find("bee/17.png"), std::string::npos);
}

}  // namespace
}  // namespace engine
