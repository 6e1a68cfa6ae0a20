// What emit_optimizer() promises beside its formulas: a gradient or a loss that is not finite
// changes nothing, on any device; accumulation averages; settings are checked.
#include "models/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "models/train/runtime.h"
#include "ops/accumulate_metrics.h"
#include "ops/registry.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;
using Bytes = std::vector<std::byte>;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const State kStep{"train/step", {{}, DType::i64}, StateRole::counter};
const State kSkipped{"train/skipped", {{}, DType::i64}, StateRole::counter};
const State kTotal{"train/loss", {{}, DType::f64}, StateRole::counter};
const State kLoss{"loss", {{}, DType::f32}, StateRole::data};

std::vector<State> parameters() {
  return {{"a", {{33, 5}, DType::f32}}, {"b", {{5}, DType::f32}}, {"c", {{70}, DType::f32}}};
}
State gradient_of(const State& parameter) {
  return {parameter.name + "/given_gradient", parameter.type, StateRole::data};
}

// An update whose gradients and loss the test sets, on one device.
class Update {
 public:
  Update(const OptimizerSettings& settings, const std::string& device, BadSteps bad_steps)
      : runtime_(options(device)) {
    runtime_.add(graph(settings, bad_steps));
    runtime_.allocate();
    for (const State& parameter : parameters()) set(parameter.name, 0.5f);
    set_gradients(0.25f);
    set(kLoss.name, 1.0f);
  }

  void run() {
    runtime_.executor(0).run(runtime_.stream());
    runtime_.stream().synchronize();
  }

  void set(const std::string& state, float value) {
    std::vector<float> values(
        static_cast<std::size_t>(runtime_.store().state(state).type.element_count()), value);
    runtime_.store().upload(state, values.data(), runtime_.stream());
  }
  void set_gradients(float value) {
    for (const State& parameter : parameters()) set(gradient_of(parameter).name, value);
  }
  // One element, the last of the second parameter's gradient.
  void plant(float value) {
    std::vector<float> values{0.25f, 0.25f, 0.25f, 0.25f, value};
    runtime_.store().upload(gradient_of(parameters()[1]).name, values.data(), runtime_.stream());
  }

  std::map<std::string, Bytes> saved() {
    std::map<std::string, Bytes> all;
    for (const State& state : runtime_.store().states()) {
      if (state.role == StateRole::data || state.role == StateRole::constant) continue;
      Bytes& bytes = all[state.name];
      bytes.resize(state.type.bytes());
      runtime_.store().download(state.name, bytes.data(), runtime_.stream());
    }
    return all;
  }
  float first(const std::string& state) {
    std::vector<float> values(
        static_cast<std::size_t>(runtime_.store().state(state).type.element_count()));
    runtime_.store().download(state, values.data(), runtime_.stream());
    return values[0];
  }
  std::int64_t counter(const State& state) { return runtime_.read_counter(state.name); }

 private:
  static RuntimeOptions options(const std::string& device) {
    initialize();
    RuntimeOptions options;
    options.device = device;
    options.threads = 1;
    options.tuner.mode = Autotune::off;
    return options;
  }

  static graph::Graph graph(const OptimizerSettings& settings, BadSteps bad_steps) {
    graph::Graph graph("update");
    Value* step = graph.read(kStep);
    Value* loss = graph.read(kLoss);
    std::vector<GradientPair> pairs;
    for (const State& parameter : parameters())
      pairs.push_back({parameter, graph.read(parameter), graph.read(gradient_of(parameter))});
    Value* predicate = emit_optimizer(graph, settings, pairs, step, loss);
    std::vector<Value*> operands{step, graph.read(kTotal), loss, predicate};
    const bool skips = bad_steps == BadSteps::skipped;
    if (skips) operands.push_back(graph.read(kSkipped));
    graph::Node& metrics = graph.add(ops::accumulate_metrics({8}, bad_steps), operands, "metrics");
    graph.assign(kStep, metrics.output(0));
    graph.assign(kTotal, metrics.output(1));
    if (skips) graph.assign(kSkipped, metrics.output(2));
    return graph;
  }

  Runtime runtime_;
};

class Optimizers : public testing::TestWithParam<std::string> {};

TEST_P(Optimizers, ABadGradientChangesNoBit) {
  for (const std::string& name : optimizer_names())
    for (std::int64_t accumulate : {1, 3})
      for (double clip : {0.0, 0.1}) {
        SCOPED_TRACE(name + " accumulating " + std::to_string(accumulate));
        OptimizerSettings settings = default_optimizer(name);
        if (name == "sgd") settings.momentum = 0.9;
        settings.accumulate = accumulate;
        settings.clip_norm = clip;
        settings.schedule = parse_schedule("cosine+warmup:3");
        Update update(settings, GetParam(), BadSteps::stopped);
        for (int i = 0; i < 4; ++i) update.run();
        EXPECT_EQ(update.counter(kStep), 4);
        const auto before = update.saved();
        for (float bad : {kNan, kInfinity, -kInfinity}) {
          update.plant(bad);
          for (int i = 0; i < 2; ++i) update.run();
          EXPECT_TRUE(update.saved() == before) << "gradient " << bad;
        }
        update.plant(0.25f);
        update.set(kLoss.name, kNan);
        update.run();
        EXPECT_TRUE(update.saved() == before) << "loss";
        update.set(kLoss.name, 1);
        for (int i = 0; i < 3; ++i) update.run();
        EXPECT_EQ(update.counter(kStep), 7);
        EXPECT_FALSE(update.saved() == before);
      }
}

TEST_P(Optimizers, ABadStepCanBeSkipped) {
  Update update(default_optimizer("adam"), GetParam(), BadSteps::skipped);
  update.run();
  auto before = update.saved();
  update.plant(kNan);
  update.run();
  update.run();
  EXPECT_EQ(update.counter(kStep), 3);
  EXPECT_EQ(update.counter(kSkipped), 2);
  auto after = update.saved();
  for (const State& counter : {kStep, kSkipped})
    before.erase(counter.name), after.erase(counter.name);
  EXPECT_TRUE(after == before);
}

// Plain descent by rate 1 on gradients 1, 2, ..., of which a bad one does not count.
TEST_P(Optimizers, AccumulationAverages) {
  OptimizerSettings settings = default_optimizer("sgd");
  settings.learning_rate = 1;
  settings.accumulate = 4;
  Update update(settings, GetParam(), BadSteps::skipped);
  for (float gradient : {1.0f, 2.0f, 3.0f, 4.0f}) {
    EXPECT_EQ(update.first("a"), 0.5f);
    update.set_gradients(gradient);
    update.run();
  }
  EXPECT_EQ(update.first("a"), 0.5f - 2.5f);
  for (float gradient : {kNan, 1.0f, kInfinity, 3.0f}) {
    EXPECT_EQ(update.first("a"), -2.0f);
    update.set_gradients(gradient);
    update.run();
  }
  EXPECT_EQ(update.first("a"), -3.0f);
}

INSTANTIATE_TEST_SUITE_P(Devices, Optimizers, testing::ValuesIn(test_devices()),
                         [](const auto& test) {
                           return test.param.substr(0, test.param.find(':'));
                         });

TEST(OptimizerSettings, DefaultsAreValidAndUsual) {
  for (const std::string& name : optimizer_names()) {
    EXPECT_EQ(default_optimizer(name).name, name);
    EXPECT_NO_THROW(validate(default_optimizer(name))) << name;
  }
  EXPECT_EQ(default_optimizer("adam").epsilon, 1e-8);
  EXPECT_EQ(default_optimizer("adamw").weight_decay, 0.01);
  EXPECT_EQ(default_optimizer("adadelta").learning_rate, 1);
  expect_error<UsageError>([] { default_optimizer("adamant"); }, {"adamant", "adamw", "sgd"});
}

TEST(OptimizerSettings, ErrorsNameTheOption) {
  const auto rejects = [](const std::string& option, const auto& change) {
    OptimizerSettings settings = default_optimizer("adam");
    change(settings);
    expect_error<UsageError>([&] { validate(settings); }, {option, "expected"});
  };
  using Settings = OptimizerSettings;
  rejects("--lr 0", [](Settings& s) { s.learning_rate = 0; });
  rejects("--lr nan", [](Settings& s) { s.learning_rate = kNan; });
  rejects("--momentum 1", [](Settings& s) { s.momentum = 1; });
  rejects("--nesterov", [](Settings& s) { s.nesterov = true; });
  rejects("--rho -0.1", [](Settings& s) { s.rho = -0.1; });
  rejects("--beta1 1", [](Settings& s) { s.beta1 = 1; });
  rejects("--beta2 nan", [](Settings& s) { s.beta2 = kNan; });
  rejects("--epsilon 0", [](Settings& s) { s.epsilon = 0; });
  rejects("--weight-decay -1", [](Settings& s) { s.weight_decay = -1; });
  rejects("--clip-norm inf", [](Settings& s) { s.clip_norm = kInfinity; });
  rejects("--clip-value -1", [](Settings& s) { s.clip_value = -1; });
  rejects("--accumulate 0", [](Settings& s) { s.accumulate = 0; });
  rejects("--momentum: adam has none", [](Settings& s) { s.momentum = 0.9; });
  rejects("--rho: adam has none", [](Settings& s) { s.rho = 0.5; });
  OptimizerSettings sgd = default_optimizer("sgd");
  sgd.beta1 = 0.5;
  expect_error<UsageError>([&] { validate(sgd); }, {"--beta1: sgd has none", "--momentum"});
}

TEST(Schedule, TextAndSettingsAreOne) {
  for (const char* text :
       {"constant", "step:10:0.1", "cosine", "cosine:0.01", "exponential:0.95", "decay:1e-06",
        "plateau:3:0.5", "constant+warmup:500", "step:1:0.5+warmup:1", "cosine:0.5+warmup:20"})
    EXPECT_EQ(to_string(parse_schedule(text)), text);
  EXPECT_EQ(parse_schedule("step:10:.1"), parse_schedule("step:10:0.1+warmup:0"));
}

TEST(Schedule, ErrorsQuoteTheText) {
  for (const std::string text : {"",
                                 "steep:1:2",
                                 "constant:1",
                                 "step",
                                 "step:10",
                                 "step:0:0.1",
                                 "step:1.5:0.1",
                                 "step:1:2",
                                 "step:1:0.1:",
                                 "step:1:nan",
                                 "cosine:",
                                 "cosine:-1",
                                 "cosine:0.1:2",
                                 "exponential",
                                 "decay:inf",
                                 "decay:-1",
                                 "plateau:3",
                                 "plateau::0.5",
                                 "step:99999999999999999999:0.1",
                                 "cosine+",
                                 "cosine+warmup",
                                 "cosine+warmup:",
                                 "cosine+warmup:-1",
                                 "cosine+warmup:1+warmup:1",
                                 "cosine+cosine",
                                 "+warmup:1",
                                 "step:10:0,1"})
    expect_error<UsageError>([&] { parse_schedule(text); }, {"'" + text + "'", "expected"});
}

TEST(Schedule, EpochsBecomeUpdates) {
  OptimizerSettings settings = default_optimizer("sgd");
  settings.length = {100, 10};
  const auto rate = [&](const char* schedule, std::int64_t step) {
    settings.schedule = parse_schedule(schedule);
    return scheduled_learning_rate(settings, 2, step);
  };
  EXPECT_EQ(rate("constant", 999), 2);
  EXPECT_EQ(rate("plateau:3:0.5", 999), 2);
  EXPECT_EQ(rate("step:2:0.5", 199), 2);
  EXPECT_EQ(rate("step:2:0.5", 200), 1);
  EXPECT_EQ(rate("exponential:0.5", 99), 2);
  EXPECT_EQ(rate("exponential:0.5", 300), 0.25);
  EXPECT_EQ(rate("cosine", 0), 2);
  EXPECT_NEAR(rate("cosine", 500), 1, 1e-12);
  EXPECT_EQ(rate("cosine:0.25", 1000), 0.5);
  EXPECT_EQ(rate("cosine:0.25", 5000), 0.5);
  EXPECT_EQ(rate("decay:1", 3), 0.5);
  EXPECT_EQ(rate("constant+warmup:10", 0), 0.2);
  EXPECT_EQ(rate("constant+warmup:10", 4), 1);
  EXPECT_EQ(rate("constant+warmup:10", 9), 2);
  settings.accumulate = 4;
  EXPECT_EQ(rate("step:2:0.5", 199), 2);
  EXPECT_EQ(rate("step:2:0.5", 200), 1);
  EXPECT_EQ(rate("decay:1", 13), 0.5);
  EXPECT_EQ(rate("constant+warmup:10", 3), 2.0 / 3);
  EXPECT_EQ(rate("constant+warmup:10", 8), 2);
}

}  // namespace
}  // namespace engine::test
