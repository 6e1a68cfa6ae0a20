// Training, evaluation and prediction of texts in buckets of their lengths.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "engine/core/error.h"
#include "models/data/length_buckets.h"
#include "models/data/memory.h"
#include "models/train/trainer.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

constexpr std::int64_t kRoom = 12, kTexts = 75, kTestTexts = 21, kBatch = 8, kVocabulary = 40;
constexpr std::uint64_t kSeed = 4;
constexpr std::int32_t kRareToken = kVocabulary - 1;  // of the text kRareText alone
constexpr std::int64_t kRareText = 50;

ArrayPart texts(std::int64_t count, std::int64_t salt) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(count * kRoom));
  std::vector<std::uint8_t> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<std::int32_t> text;
    for (std::int64_t n = 0; n < 1 + (i * 7 + salt) % kRoom; ++n)
      text.push_back(static_cast<std::int32_t>(1 + (i * 13 + n * 5 + salt) % (kVocabulary - 2)));
    if (i == kRareText) text[0] = kRareToken;
    place_tokens(text, Padding::left,
                 std::span(tokens).subspan(static_cast<std::size_t>(i * kRoom), kRoom));
    labels.push_back(static_cast<std::uint8_t>(text[0] % 2));
  }
  return {tokens, labels};
}

std::unique_ptr<Dataset> plain_data() {
  return make_dataset(Shape{kRoom}, 2, texts(kTexts, 0), texts(kTestTexts, 3), kVocabulary);
}

ModelDefinition text_model() {
  ModelDefinition model{"texts", "for tests", Network(Shape{kRoom}, DType::i32)};
  model.network.embedding(kVocabulary, 6, {.mask_zero = true}).lstm(5).dense(2);
  model.text = TextFormat{kVocabulary, {kRoom}};
  model.classes = 2;
  model.batch = kBatch;
  model.optimizer.name = "sgd";
  model.optimizer.learning_rate = 0.5;
  return model;
}

std::unique_ptr<Dataset> data_in_buckets() {
  return bucket_by_length(plain_data(), text_model().text, 4, kBatch);
}

TrainSettings settings_for(std::int64_t buckets) {
  TrainSettings settings = default_settings(text_model());
  settings.epochs = 3;
  settings.seed = kSeed;
  settings.buckets = buckets;
  settings.device = "cpu";
  settings.autotune = "off";
  return settings;
}

RuntimeOptions plain_runtime(const std::string& device) {
  RuntimeOptions options;
  options.device = device;
  options.tuner.mode = Autotune::off;
  return options;
}

TEST(Buckets, AnEpochTakesEveryTextOnceInAnOrderOfItsOwn) {
  const auto data = data_in_buckets();
  Feed feed = make_feed(*data, Part::train, kBatch, true, true);
  const std::int64_t steps = feed.steps_per_epoch();
  EXPECT_EQ(steps, (kTexts + kBatch - 1) / kBatch);
  std::set<std::vector<std::int64_t>> orders;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    std::multiset<std::int32_t> seen;
    std::vector<std::int64_t> order;
    for (std::int64_t step = epoch * steps; step < (epoch + 1) * steps; ++step)
      for (const BatchGroup& group : feed.groups()) {
        feed.group = group;
        const BatchIndicesAttributes rows = observations_of_steps(feed, kSeed);
        const std::int64_t number = batch_number(step, steps, rows.mixed, rows.key);
        if (number < group.first || number >= group.first + group.count) continue;
        order.push_back(number);
        for (std::int64_t i = 0; i < group.size; ++i) {
          const std::int32_t row = batch_index(rows, step, i);
          EXPECT_GE(row, group.first_row);
          EXPECT_LT(row, group.first_row + group.rows);
          seen.insert(row);
        }
      }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(kTexts));
    EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), static_cast<std::size_t>(kTexts));
    EXPECT_EQ(order.size(), static_cast<std::size_t>(steps));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 4u);
}

class BucketsOn : public testing::TestWithParam<std::string> {};

// What masks padding sees the same texts however they are padded.
TEST_P(BucketsOn, ScoresAndPredictionsAreThoseOfPaddedTexts) {
  const auto plain = plain_data(), in_buckets = data_in_buckets();
  const ModelDefinition model = text_model();
  std::vector<EvaluationResult> scores;
  std::vector<std::vector<float>> predictions;
  for (const Dataset* data : {plain.get(), in_buckets.get()}) {
    Runtime runtime(plain_runtime(GetParam()));
    const BatchPrograms training(runtime, make_feed(*data, Part::train, kBatch, true, true),
                                 [&](const Feed& feed) { return training_graph(model, feed, {}); });
    Evaluator evaluator(runtime, model, *data, Part::test, {});
    Predictor predictor(runtime, model, *data, Part::test, {});
    runtime.allocate();
    initialize_parameters(training.parameters(), kSeed, runtime);
    evaluator.load(runtime, 1);
    scores.push_back(evaluator.run(runtime));
    for (std::int64_t count : {kTestTexts, std::int64_t{5}}) {
      std::vector<float>& logits = predictions.emplace_back();
      predictor.load(runtime, 1);
      predictor.run(runtime, count, [&](std::int64_t, std::span<const float> rows) {
        logits.insert(logits.end(), rows.begin(), rows.end());
      });
    }
  }
  EXPECT_NEAR(scores[0].loss, scores[1].loss, 1e-6);
  EXPECT_EQ(scores[0].accuracy, scores[1].accuracy);
  EXPECT_EQ(predictions[0].size(), static_cast<std::size_t>(2 * kTestTexts));
  for (std::size_t of : {0u, 1u}) {
    ASSERT_EQ(predictions[of].size(), predictions[of + 2].size());
    for (std::size_t i = 0; i < predictions[of].size(); ++i)
      EXPECT_NEAR(predictions[of][i], predictions[of + 2][i], 1e-5) << i;
  }
}

// A bad step stops the device also for the programs of other buckets, which are enqueued already.
TEST_P(BucketsOn, NothingHasAnEffectAfterABadStep) {
  const auto data = data_in_buckets();
  const ModelDefinition model = text_model();
  const Feed feed = make_feed(*data, Part::train, kBatch, true, true);
  Runtime runtime(plain_runtime(GetParam()));
  GraphOptions options;
  options.seed = kSeed;
  const BatchPrograms programs(
      runtime, feed, [&](const Feed& group) { return training_graph(model, group, options); },
      kSeed);
  runtime.allocate();
  upload_dataset(*data, Part::train, runtime);
  const std::string table = programs.parameters().front().state.name;
  const auto train_to = [&](std::int64_t end) {
    initialize_parameters(programs.parameters(), kSeed, runtime);
    const TensorType& type = runtime.store().view(table).type;
    std::vector<float> values(static_cast<std::size_t>(type.element_count()));
    runtime.store().download(table, values.data(), runtime.stream());
    values[static_cast<std::size_t>(kRareToken * type.shape[1])] =
        std::numeric_limits<float>::quiet_NaN();
    runtime.store().upload(table, values.data(), runtime.stream());
    for (const char* state : {kTrainStep, kTrainLoss, kTrainCorrect}) runtime.clear(state);
    programs.run(runtime, 0, end);
    runtime.stream().synchronize();
    std::vector<std::vector<float>> after;
    for (const Parameter& parameter : programs.parameters()) {
      after.emplace_back(static_cast<std::size_t>(parameter.state.type.element_count()));
      runtime.store().download(parameter.state.name, after.back().data(), runtime.stream());
    }
    after.front()[static_cast<std::size_t>(kRareToken * type.shape[1])] = 0;  // NaN equals nothing
    return after;
  };
  const auto stopped = train_to(programs.steps());
  const std::int64_t bad = runtime.read_counter(kTrainStep);
  ASSERT_GT(bad, 0);
  ASSERT_LT(bad, programs.steps() - 2);
  const double loss = runtime.read_total(kTrainLoss);
  EXPECT_EQ(train_to(bad), stopped);
  EXPECT_EQ(runtime.read_total(kTrainLoss), loss);
  EXPECT_EQ(runtime.read_counter(kTrainStep), bad);
  EXPECT_EQ(programs.find_not_finite(runtime, bad).has_value(), true);
}

INSTANTIATE_TEST_SUITE_P(Devices, BucketsOn, testing::ValuesIn(test::test_devices()));

std::string last(const std::string& run) {
  return read_text(run + "/checkpoints/last.safetensors");
}

TEST(Buckets, AResumedRunIsTheSameRun) {
  ScratchFolder scratch;
  Callback silent;
  const TrainResult whole =
      train(text_model(), plain_data(), settings_for(4), {scratch / "whole", ""}, silent);
  TrainSettings first = settings_for(4);
  first.max_steps = 13;
  train(text_model(), plain_data(), first, {scratch / "parts", ""}, silent);
  const TrainResult resumed =
      train(text_model(), plain_data(), settings_for(4), {"", scratch / "parts"}, silent);
  EXPECT_EQ(last(scratch / "whole"), last(scratch / "parts"));
  EXPECT_EQ(whole.test.loss, resumed.test.loss);
  EXPECT_EQ(whole.steps, 3 * ((kTexts + kBatch - 1) / kBatch));
  EXPECT_THROW(train(text_model(), plain_data(), settings_for(0), {"", scratch / "parts"}, silent),
               UsageError);
}

TEST(Buckets, WantParametersThatDoNotDependOnLengths) {
  ModelDefinition model = text_model();
  model.network = Network(Shape{kRoom}, DType::i32);
  model.network.embedding(kVocabulary, 6).flatten().dense(2);
  ScratchFolder scratch;
  Callback silent;
  expect_error<UsageError>(
      [&] {
        train(model, plain_data(), settings_for(4), {scratch / "run", ""}, silent);
      },
      {"--buckets", "dense_1", "do not depend on the length"});
}

TEST(Buckets, AreNumberedAndResident) {
  TrainSettings settings = settings_for(17);
  EXPECT_THROW(validate(settings), UsageError);
  settings.buckets = -1;
  EXPECT_THROW(validate(settings), UsageError);
  settings.buckets = 4;
  settings.data_pipeline = "stream";
  EXPECT_THROW(validate(settings), UsageError);
}

}  // namespace
}  // namespace engine
