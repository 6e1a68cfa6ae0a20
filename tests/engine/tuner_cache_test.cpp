// What the tuner takes from the algorithm cache, and when it does not.
#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "tests/engine/clocked_device.h"
#include "tests/engine/fake_candidate.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

class TunerCacheTest : public testing::Test {
 protected:
  TunerCacheTest() {
    register_fake_reference();
    log::set_level(log::Level::error);
  }
  ~TunerCacheTest() override { log::set_level(log::Level::info); }

  // The usual field: "fast" wins over "slow".
  static void fill(FakeField& field) {
    field.add({.id = "slow", .microseconds = 200});
    field.add({.id = "fast", .microseconds = 50});
  }
  Tuner make_tuner(const FakeField& field, TunerOptions options = {}) {
    return Tuner(device_, cache_, std::move(options), field.registry());
  }
  void warm() {
    FakeField field;
    fill(field);
    ASSERT_EQ(make_tuner(field).choose(fake_problem()).candidate, "fast");
  }
  // Tunes over `field` with what is in the cache: expects a search, and `winner`.
  void expect_tuned_anew(const FakeField& field, const std::string& winner) {
    Tuner tuner = make_tuner(field);
    const Choice choice = tuner.choose(fake_problem());
    EXPECT_EQ(choice.candidate, winner);
    EXPECT_FALSE(choice.from_cache);
    EXPECT_EQ(tuner.problems_tuned(), 1);
  }

  ClockedDevice device_;
  AlgorithmCache cache_;
};

TEST_F(TunerCacheTest, WarmStartTunesNothing) {
  const ScratchFolder folder;
  {
    FakeField field;
    fill(field);
    AlgorithmCache cache(folder.file("cache"));
    Tuner(device_, cache, {}, field.registry()).choose(fake_problem());
  }
  FakeField field;
  fill(field);
  AlgorithmCache cache(folder.file("cache"));
  Tuner tuner(device_, cache, {}, field.registry());
  const Choice choice = tuner.choose(fake_problem());
  EXPECT_EQ(choice.candidate, "fast");
  EXPECT_TRUE(choice.from_cache);
  EXPECT_NE(choice.kernel, nullptr);
  EXPECT_EQ(field.launches("fast") + field.launches("slow"), 0);
  EXPECT_EQ(tuner.problems_tuned(), 0);
  EXPECT_EQ(tuner.seconds_spent(), 0);
  EXPECT_EQ(tuner.records(), cache.records());
}

TEST_F(TunerCacheTest, EqualProblemsAreTunedOnce) {
  FakeField field;
  fill(field);
  Tuner tuner = make_tuner(field);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tuner.choose(fake_problem()).candidate, "fast");
  tuner.choose(fake_problem(65));
  EXPECT_EQ(tuner.problems_tuned(), 2);
  EXPECT_EQ(tuner.records().size(), 2u);
}

TEST_F(TunerCacheTest, LockedReplaysTheRecordEvenIfOthersAreFaster) {
  FakeField field;
  fill(field);
  TuningRecord record{fake_problem().key(), device_.fingerprint(), "0.1.0", 0, {}};
  record.results.push_back({.candidate = "slow", .version = 1, .microseconds = 1});
  cache_.store(record);
  Tuner tuner = make_tuner(field, {.mode = Autotune::locked});
  EXPECT_EQ(tuner.choose(fake_problem()).candidate, "slow");
  EXPECT_EQ(tuner.records().at(0).results.at(0).microseconds, 1);
}

TEST_F(TunerCacheTest, LockedMissNamesTheProblem) {
  FakeField field;
  fill(field);
  Tuner tuner = make_tuner(field, {.mode = Autotune::locked});
  EXPECT_THROW_WITH(tuner.choose(fake_problem()), UsageError, fake_problem().key());
}

TEST_F(TunerCacheTest, LockedNeverErases) {
  warm();
  FakeField field;
  field.add({.id = "slow"});
  field.add({.id = "new"});
  Tuner tuner = make_tuner(field, {.mode = Autotune::locked});
  EXPECT_THROW(tuner.choose(fake_problem()), UsageError);
  EXPECT_EQ(cache_.records().size(), 1u);
}

TEST_F(TunerCacheTest, CandidateThatIsGone) {
  warm();
  FakeField field;
  field.add({.id = "slow", .microseconds = 200});
  field.add({.id = "slower", .microseconds = 400});
  expect_tuned_anew(field, "slow");
}

TEST_F(TunerCacheTest, CandidateThatRefusesNow) {
  warm();
  FakeField field;
  field.add({.id = "slow", .microseconds = 200});
  field.add({.id = "slower", .microseconds = 400});
  field.add({.id = "fast", .refusal = "wants even sizes"});
  expect_tuned_anew(field, "slow");
}

TEST_F(TunerCacheTest, OtherVersion) {
  warm();
  FakeField field;
  field.add({.id = "slow", .microseconds = 200});
  field.add({.id = "fast", .microseconds = 400, .version = 2});
  expect_tuned_anew(field, "slow");
}

TEST_F(TunerCacheTest, ConfigurationThatIsNoLongerOffered) {
  warm();
  FakeField field;
  field.add({.id = "slow", .microseconds = 200});
  field.add({.id = "fast", .microseconds = 400, .configurations = {{"renamed", 0, true}}});
  expect_tuned_anew(field, "slow");
}

TEST_F(TunerCacheTest, FailureToPrepareDropsTheRecord) {
  warm();
  FakeField field;
  field.add({.id = "slow", .microseconds = 200});
  field.add({.id = "fast", .prepare = [] { throw std::runtime_error("no handle"); }});
  expect_tuned_anew(field, "slow");
  const auto record = cache_.find(fake_problem().key(), device_.fingerprint());
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(result_of(*record, "fast").refusal, "no handle");
}

TEST_F(TunerCacheTest, CandidateThatIsNew) {
  warm();
  FakeField field;
  fill(field);
  field.add({.id = "faster"});
  expect_tuned_anew(field, "faster");
}

TEST_F(TunerCacheTest, OtherFingerprint) {
  warm();
  TuningRecord record = cache_.records().at(0);
  cache_.erase(record.problem, record.fingerprint);
  record.fingerprint = "another driver";
  cache_.store(record);
  FakeField field;
  fill(field);
  expect_tuned_anew(field, "fast");
}

TEST_F(TunerCacheTest, NarrowerFieldIsServedFromTheRecord) {
  warm();
  FakeField field;
  fill(field);
  Tuner tuner = make_tuner(field, {.candidates = "-fast"});
  const Choice choice = tuner.choose(fake_problem());
  EXPECT_EQ(choice.candidate, "slow");
  EXPECT_TRUE(choice.from_cache);
  EXPECT_EQ(tuner.problems_tuned(), 0);
  // The shared record still says what is best without the narrowing.
  EXPECT_EQ(make_tuner(field).choose(fake_problem()).candidate, "fast");
}

TEST_F(TunerCacheTest, RecordOfANarrowerFieldDoesNotServeAWiderOne) {
  FakeField field;
  fill(field);
  EXPECT_EQ(make_tuner(field, {.candidates = "slow"}).choose(fake_problem()).candidate, "slow");
  Tuner again = make_tuner(field, {.candidates = "slow"});
  EXPECT_TRUE(again.choose(fake_problem()).from_cache);
  expect_tuned_anew(field, "fast");
}

}  // namespace
}  // namespace engine
