// What may win, and what does.
#include "engine/tune/tuner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/tune/candidate_pattern.h"
#include "tests/engine/clocked_device.h"
#include "tests/engine/fake_candidate.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

class TunerTest : public testing::Test {
 protected:
  TunerTest() { register_fake_reference(); }

  Tuner make_tuner(TunerOptions options = {}) {
    return Tuner(device_, cache_, std::move(options), field_.registry());
  }
  // Tunes over the field and returns why candidate `id` was refused.
  std::string refusal_of(const std::string& id, const Problem& problem = fake_problem()) {
    Tuner tuner = make_tuner();
    EXPECT_EQ(tuner.choose(problem).candidate, "good");
    return result_of(tuner.records().at(0), id).refusal;
  }

  ClockedDevice device_;
  AlgorithmCache cache_;
  FakeField field_;
};

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_F(TunerTest, FasterOneWins) {
  field_.add({.id = "slow", .microseconds = 300});
  field_.add({.id = "fast", .microseconds = 100});
  field_.add({.id = "hopeless", .microseconds = 3000});
  Tuner tuner = make_tuner();
  const Choice choice = tuner.choose(fake_problem());
  EXPECT_EQ(choice.candidate, "fast");
  EXPECT_FALSE(choice.from_cache);
  EXPECT_EQ(tuner.problems_tuned(), 1);
  EXPECT_GT(tuner.seconds_spent(), 0);
  ASSERT_EQ(tuner.records().size(), 1u);
  EXPECT_NEAR(result_of(tuner.records()[0], "slow").microseconds, 300, 1e-6);
  EXPECT_NEAR(result_of(tuner.records()[0], "fast").microseconds, 100, 1e-6);
  EXPECT_EQ(cache_.records(), tuner.records());
  // Checked once, and a trial's runs sufficed.
  EXPECT_LT(field_.launches("hopeless"), 10);
}

TEST_F(TunerTest, EveryConfigurationTakesPart) {
  field_.add({.id = "x",
              .configurations = {{"big", 4096, true}, {"small", 16, true}},
              .launch = [](const LaunchArguments& arguments) { add_one(arguments); }});
  Tuner tuner = make_tuner();
  const Choice choice = tuner.choose(fake_problem());
  EXPECT_EQ(tuner.records()[0].results.size(), 2u);
  EXPECT_EQ(choice.workspace, choice.configuration == "big" ? 4096u : 16u);
}

// An operand that follows from another is not drawn: a kernel that reads it and one that computes
// it anew agree.
TEST_F(TunerTest, DerivedOperandsFollowFromTheOthers) {
  const auto multiply = [](const LaunchArguments& arguments, bool reads) {
    const float *x = arguments.inputs[0].as<float>(), *y = arguments.inputs[1].as<float>();
    for (std::int64_t i = 0; i < 64; ++i)
      arguments.outputs[0].as<float>()[i] = x[i] + (reads ? y[i] : 2 * x[i]);
  };
  field_.add({.id = "reads",
              .launch = [&](const LaunchArguments& arguments) { multiply(arguments, true); },
              .op = kDerivedOp});
  field_.add({.id = "computes",
              .launch = [&](const LaunchArguments& arguments) { multiply(arguments, false); },
              .op = kDerivedOp});
  Problem problem = fake_problem();
  problem.op = kDerivedOp;
  problem.inputs.push_back(problem.inputs[0]);
  Tuner tuner = make_tuner();
  tuner.choose(problem);
  for (const CandidateResult& result : tuner.records().at(0).results)
    EXPECT_EQ(result.refusal, "") << result.candidate;
}

TEST_F(TunerTest, WrongResultIsRefusedWithTheElement) {
  field_.add({.id = "good", .microseconds = 50});
  field_.add({.id = "wrong", .launch = [](const LaunchArguments& arguments) {
                add_one(arguments);
                arguments.outputs[0].as<float>()[7] += 0.001f;
              }});
  expect_contains(refusal_of("wrong"), "wrong result: element 7 of output 0 is ");
}

TEST_F(TunerTest, ElementThatIsNotWrittenIsAWrongResult) {
  field_.add({.id = "good", .microseconds = 50});
  field_.add({.id = "lazy", .launch = [](const LaunchArguments& arguments) {
                TensorView y = arguments.outputs[0];
                const float kept = y.as<float>()[63];
                add_one(arguments);
                y.as<float>()[63] = kept;
              }});
  expect_contains(refusal_of("lazy"), "element 63 of output 0 is ");
}

// Of a large output some elements are held against the reference, and all against the first kernel
// that got those right.
TEST_F(TunerTest, WhatIsSampledIsComparedWholeWithATrustedKernel) {
  constexpr std::int64_t count = 100000;
  const auto add = [&](Fake fake) {
    fake.op = kSampledOp;
    field_.add(std::move(fake));
  };
  add({.id = "wrong", .launch = [](const LaunchArguments& arguments) {
         add_one(arguments);
         float* y = arguments.outputs[0].as<float>();
         for (std::int64_t i = 0; i < count; ++i) y[i] += 0.001f;
       }});
  add({.id = "good", .microseconds = 50});
  add({.id = "one", .launch = [](const LaunchArguments& arguments) {
         add_one(arguments);
         arguments.outputs[0].as<float>()[54321] += 0.001f;
       }});
  Problem problem = fake_problem(count);
  problem.op = kSampledOp;
  Tuner tuner = make_tuner();
  EXPECT_EQ(tuner.choose(problem).candidate, "good");
  expect_contains(result_of(tuner.records().at(0), "wrong").refusal, "wrong result: element ");
  expect_contains(result_of(tuner.records().at(0), "one").refusal, "wrong result: element 54321 ");
}

TEST_F(TunerTest, IntegersMustBeExact) {
  field_.add({.id = "good", .microseconds = 50});
  field_.add({.id = "wrong", .launch = [](const LaunchArguments& arguments) {
                add_one(arguments);
                arguments.outputs[0].as<std::int32_t>()[3] += 1;
              }});
  expect_contains(refusal_of("wrong", fake_problem(64, DType::i32)), "wrong result: element 3");
}

TEST_F(TunerTest, StrayWritesAreCaughtEverywhere) {
  field_.add({.id = "good", .microseconds = 50});
  field_.add({.id = "after", .launch = [](const LaunchArguments& arguments) {
                add_one(arguments);
                arguments.outputs[0].as<float>()[63 + 1] = 0;
              }});
  field_.add({.id = "before", .launch = [](const LaunchArguments& arguments) {
                add_one(arguments);
                arguments.outputs[0].as<float>()[-1] = 0;
              }});
  field_.add({.id = "workspace",
              .configurations = {{"", 13, true}},
              .launch = [](const LaunchArguments& arguments) {
                add_one(arguments);
                static_cast<std::byte*>(arguments.workspace)[13] = std::byte{0};
              }});
  field_.add({.id = "input", .launch = [](const LaunchArguments& arguments) {
                add_one(arguments);
                arguments.inputs[0].as<float>()[5] = 0;
              }});
  EXPECT_EQ(refusal_of("after"), "wrote outside its output 0");
  Tuner tuner = make_tuner();
  tuner.choose(fake_problem());
  const TuningRecord& record = tuner.records().at(0);
  EXPECT_EQ(result_of(record, "before").refusal, "wrote outside its output 0");
  EXPECT_EQ(result_of(record, "workspace").refusal, "wrote outside its workspace");
  EXPECT_EQ(result_of(record, "input").refusal, "wrote to its input 0");
}

TEST_F(TunerTest, OperandsAreAligned) {
  const auto check = [this](const LaunchArguments& arguments) {
    for (const void* data :
         {arguments.inputs[0].data, arguments.outputs[0].data, arguments.workspace})
      if (reinterpret_cast<std::uintptr_t>(data) % device_.alignment() != 0)
        throw std::runtime_error("not aligned");
    add_one(arguments);
  };
  field_.add({.id = "good", .configurations = {{"", 13, true}}, .launch = check});
  field_.add({.id = "slow", .microseconds = 200});
  EXPECT_EQ(refusal_of("good", fake_problem(3)), "");
}

TEST_F(TunerTest, ThrowingIsRefusedWhereverItHappens) {
  field_.add({.id = "good"});
  field_.add({.id = "launch", .launch = [](const LaunchArguments&) {
                throw std::runtime_error("no such instruction");
              }});
  field_.add({.id = "prepare", .prepare = [] { throw DeviceError("no handle"); }});
  int launches = 0;
  field_.add({.id = "later", .launch = [&](const LaunchArguments& arguments) {
                if (++launches > 3) throw 5;
                add_one(arguments);
              }});
  field_.add({.id = "huge", .configurations = {{"", SIZE_MAX / 2, true}}});
  field_.add({.id = "unsuited", .refusal = "wants even sizes"});
  EXPECT_EQ(refusal_of("launch"), "no such instruction");
  Tuner tuner = make_tuner();
  tuner.choose(fake_problem());
  const TuningRecord& record = tuner.records().at(0);
  EXPECT_EQ(result_of(record, "prepare").refusal, "no handle");
  EXPECT_EQ(result_of(record, "later").refusal, "threw something that is no std::exception");
  expect_contains(result_of(record, "huge").refusal, "a gigabyte is all there is");
  EXPECT_EQ(result_of(record, "unsuited").refusal, "wants even sizes");
}

TEST_F(TunerTest, StickyErrorEndsTheSearch) {
  field_.add({.id = "good"});
  field_.add({.id = "deadly", .launch = [](const LaunchArguments&) {
                throw DeviceError("illegal address", true);
              }});
  Tuner tuner = make_tuner();
  EXPECT_THROW_WITH(tuner.choose(fake_problem()), DeviceError, "illegal address");
  EXPECT_TRUE(cache_.records().empty());
}

TEST_F(TunerTest, TieGoesToTheDeterministicThenToTheSmallWorkspace) {
  field_.add({.id = "random", .microseconds = 100, .configurations = {{"", 0, false}}});
  field_.add({.id = "large", .microseconds = 100, .configurations = {{"", 4096, true}}});
  field_.add({.id = "small", .microseconds = 101.9, .configurations = {{"", 64, true}}});
  field_.add({.id = "slow", .microseconds = 102.1});
  EXPECT_EQ(make_tuner().choose(fake_problem()).candidate, "small");
}

TEST_F(TunerTest, SpreadWidensATieALittle) {
  int launches = 0;
  field_.add({.id = "jittery",
              .microseconds = 80,
              .configurations = {{"", 64, true}},
              .launch = [&](const LaunchArguments& arguments) {
                ClockedDevice::advance(10.0 * (++launches % 5));  // median 100, quartiles 20 apart
                add_one(arguments);
              }});
  field_.add({.id = "slower", .microseconds = 109});
  EXPECT_EQ(make_tuner().choose(fake_problem()).candidate, "jittery");
  field_.add({.id = "steady", .microseconds = 104});
  EXPECT_EQ(make_tuner().choose(fake_problem()).candidate, "steady");
}

TEST_F(TunerTest, OnTheRealDevice) {
  const auto device = cpu::make_cpu_device(1);
  field_.add({.id = "slow", .launch = [](const LaunchArguments& arguments) {
                for (int i = 0; i < 1000; ++i) add_one(arguments);
              }});
  field_.add({.id = "fast"});
  Tuner tuner(*device, cache_, {}, field_.registry());
  EXPECT_EQ(tuner.choose(fake_problem(1000)).candidate, "fast");
  EXPECT_GT(result_of(tuner.records().at(0), "fast").microseconds, 0);
}

TEST_F(TunerTest, DeterministicProblemExcludesTheOthers) {
  field_.add({.id = "random", .configurations = {{"", 0, false}}});
  field_.add({.id = "good", .microseconds = 100});
  field_.add({.id = "also", .microseconds = 300});
  Problem problem = fake_problem();
  problem.deterministic = true;
  EXPECT_EQ(refusal_of("random", problem), "not deterministic");
}

TEST_F(TunerTest, WorkspaceLimit) {
  field_.add({.id = "fast", .configurations = {{"", 1000, true}}});
  field_.add({.id = "slow", .microseconds = 100, .configurations = {{"", 100, true}}});
  Tuner tuner = make_tuner({.workspace_limit = 500});
  EXPECT_EQ(tuner.choose(fake_problem()).candidate, "slow");
  EXPECT_EQ(result_of(tuner.records()[0], "fast").refusal,
            "not tried: needs 1000 bytes of workspace, limit 500");
  Tuner strict = make_tuner({.workspace_limit = 10});
  EXPECT_THROW_WITH(strict.choose(fake_problem()), UsageError,
                    "the workspace limit leaves no kernel for '" + fake_problem().key() +
                        "': slow needs the least, 100 bytes");
}

TEST_F(TunerTest, NoCandidateNamesEveryRefusal) {
  Tuner tuner = make_tuner();
  EXPECT_THROW_WITH(tuner.choose(fake_problem()), UsageError, "no candidate is registered");
  field_.add({.id = "a", .refusal = "wants even sizes"});
  field_.add({.id = "b", .refusal = "wants odd sizes"});
  EXPECT_THROW_WITH(tuner.choose(fake_problem()), UsageError,
                    "a: wants even sizes; b: wants odd sizes");
}

TEST_F(TunerTest, OnlyCandidateIsTakenAsItIs) {
  field_.add({.id = "only"});
  field_.add({.id = "other", .refusal = "wants even sizes"});
  Tuner tuner = make_tuner({.candidates = "-only"});
  EXPECT_EQ(tuner.choose(fake_problem()).candidate, "only");
  EXPECT_EQ(field_.launches("only"), 0);
  EXPECT_EQ(tuner.problems_tuned(), 0);
  EXPECT_TRUE(tuner.records().empty());
  EXPECT_TRUE(cache_.records().empty());
  EXPECT_EQ(make_tuner({.mode = Autotune::locked}).choose(fake_problem()).candidate, "only");
}

TEST_F(TunerTest, PatternNarrowsButNeverToNothing) {
  field_.add({.id = "fast", .configurations = {{"a", 0, true}, {"b", 0, true}}});
  field_.add({.id = "slow", .microseconds = 100});
  EXPECT_EQ(make_tuner({.candidates = "slow"}).choose(fake_problem()).candidate, "slow");
  EXPECT_EQ(make_tuner({.candidates = "-fast/a|-slow"}).choose(fake_problem()).configuration, "b");

  testing::internal::CaptureStderr();
  Tuner tuner = make_tuner({.candidates = "absent"});
  EXPECT_EQ(tuner.choose(fake_problem()).candidate, "fast");
  EXPECT_EQ(tuner.choose(fake_problem()).candidate, "fast");
  const std::string warnings = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 1) << warnings;
}

TEST_F(TunerTest, PatternThatAdmitsOnlyBrokenKernelsIsLifted) {
  field_.add({.id = "good"});
  field_.add({.id = "broken", .launch = [](const LaunchArguments&) {}});
  log::set_level(log::Level::error);
  EXPECT_EQ(make_tuner({.candidates = "broken"}).choose(fake_problem()).candidate, "good");
  log::set_level(log::Level::info);
}

TEST_F(TunerTest, OffTakesTheFirstThatCanBePrepared) {
  field_.add({.id = "refusing", .refusal = "wants even sizes"});
  field_.add({.id = "failing", .prepare = [] { throw std::runtime_error("no handle"); }});
  field_.add({.id = "slow", .microseconds = 100});
  field_.add({.id = "fast"});
  Tuner tuner = make_tuner({.mode = Autotune::off});
  EXPECT_EQ(tuner.choose(fake_problem()).candidate, "slow");
  EXPECT_EQ(field_.launches("slow"), 0);
  EXPECT_EQ(tuner.problems_tuned(), 0);
  EXPECT_TRUE(cache_.records().empty());
  // A run folder can replay the choice.
  ASSERT_EQ(tuner.records().size(), 1u);
  cache_.store(tuner.records()[0]);
  EXPECT_EQ(make_tuner({.mode = Autotune::locked}).choose(fake_problem()).candidate, "slow");
}

TEST_F(TunerTest, ProgressCountsUp) {
  field_.add({.id = "a"});
  field_.add({.id = "b", .configurations = {{"x", 0, true}, {"y", 0, true}}});
  std::vector<std::string> seen;
  Tuner tuner = make_tuner(
      {.progress = [&](const std::string& problem, const std::string& label, int done, int total) {
        EXPECT_EQ(problem, fake_problem().key());
        EXPECT_EQ(done, static_cast<int>(seen.size()));
        EXPECT_EQ(total, 3);
        seen.push_back(label);
      }});
  tuner.choose(fake_problem());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b/x", "b/y"}));
}

TEST_F(TunerTest, WithoutAReferenceTheFirstIsTrusted) {
  Problem problem = fake_problem();
  problem.op = "op_without_reference";
  field_.add({.id = "good", .microseconds = 50, .op = problem.op});
  field_.add({.id = "wrong",
              .launch =
                  [](const LaunchArguments& arguments) {
                    add_one(arguments);
                    arguments.outputs[0].as<float>()[2] += 0.001f;
                  },
              .op = problem.op});
  expect_contains(refusal_of("wrong", problem), "wrong result: element 2");
}

TEST_F(TunerTest, EmptyTensors) {
  field_.add({.id = "a"});
  field_.add({.id = "b"});
  EXPECT_NO_THROW(make_tuner().choose(fake_problem(0)));
}

TEST(Autotune, Names) {
  EXPECT_EQ(autotune_from_name("off"), Autotune::off);
  EXPECT_EQ(autotune_from_name("find"), Autotune::find);
  EXPECT_EQ(autotune_from_name("locked"), Autotune::locked);
  EXPECT_THROW_WITH(autotune_from_name("on"), UsageError, "expected off, find or locked");
}

TEST(CandidatePattern, AlternativesAndExclusions) {
  EXPECT_TRUE(CandidatePattern("").accepts("anything"));
  EXPECT_TRUE(CandidatePattern("|-|").accepts("anything"));
  const CandidatePattern wanted("winograd|cudnn");
  EXPECT_TRUE(wanted.accepts("cuda.winograd/4x4"));
  EXPECT_TRUE(wanted.accepts("cudnn/7"));
  EXPECT_FALSE(wanted.accepts("onednn.direct"));
  const CandidatePattern mixed("onednn|-winograd");
  EXPECT_TRUE(mixed.accepts("onednn.direct"));
  EXPECT_FALSE(mixed.accepts("onednn.winograd"));
  EXPECT_FALSE(mixed.accepts("cuda.tiled"));
}

}  // namespace
}  // namespace engine
