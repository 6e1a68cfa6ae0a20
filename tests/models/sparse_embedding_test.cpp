// Adam over the rows of an embedding that a batch uses, beside Adam over the whole table: all
// states that anybody can see must have the same bits after any number of steps, whatever the rule,
// the schedule, and the steps that were bad.
#include "ops/sparse_embedding.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include "engine/core/rng.h"
#include "graph/differentiate.h"
#include "graph/op.h"
#include "models/train/trainer.h"
#include "ops/accumulate_metrics.h"
#include "ops/batch_indices.h"
#include "ops/binary.h"
#include "ops/embedding.h"
#include "ops/gather.h"
#include "ops/registry.h"
#include "ops/softmax_cross_entropy.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::Value;
using Bytes = std::vector<std::byte>;

constexpr std::int64_t kVocabulary = 2000, kWidth = 33;  // just above what stays dense
constexpr std::int64_t kBatch = 8, kLength = 5, kClasses = 3;
constexpr const char* kPass = "sparse-embedding";
constexpr const char* kTable = "embedding_1/embeddings";

const State kStep{"train/step", {{}, DType::i64}, StateRole::counter};
const State kFactor{"factor", {{}, DType::f32}, StateRole::data, 1};

State tokens_state(std::int64_t rows) {
  return {"tokens", {{rows, kLength}, DType::i32}, StateRole::data};
}
State labels_state(std::int64_t rows) {
  return {"labels", {{rows}, DType::i32}, StateRole::data};
}

struct Setting {
  OptimizerSettings optimizer;
  std::int64_t steps = 0;
  std::int64_t vocabulary = kVocabulary;
  std::string again = "";  ///< a table that is read as well: the same one, or one more
};

// A classifier of short texts, which sees each text once. The logits times a factor, which the test
// sets, is what the loss gets.
graph::Graph training_step(const Setting& setting) {
  initialize();
  graph::Graph graph("texts");
  const std::int64_t rows = setting.steps * kBatch;
  Value* step = graph.read(kStep);
  Value* indices = graph.apply(ops::batch_indices({rows, kBatch, setting.steps, false, {}}, kBatch),
                               {step}, "feed");
  Value* tokens =
      graph.apply(ops::gather_integers(), {graph.read(tokens_state(rows)), indices}, "feed");
  Value* labels =
      graph.apply(ops::gather_integers(), {graph.read(labels_state(rows)), indices}, "feed");
  Builder builder(graph, Mode::training, 3, step);
  Network network = Network(Shape{kLength}).embedding(setting.vocabulary, kWidth);
  Value* embedded = network.build(builder, tokens);
  if (!setting.again.empty()) {
    Value* table = setting.again == kTable
                       ? builder.parameters()[0].value
                       : builder.parameter(setting.again, {setting.vocabulary, kWidth},
                                           Initializer::uniform(0.05), 1, 1);
    embedded = graph.apply(
        ops::add(), {embedded, graph.apply(ops::embedding(), {table, tokens}, "again")}, "sum");
  }
  Value* logits =
      Network(Shape{kLength, kWidth}).flatten().dense(kClasses).build(builder, embedded);
  logits = graph.apply(ops::multiply(), {logits, graph.read(kFactor)}, "scaled");
  Value* loss = graph.apply(ops::softmax_cross_entropy(), {logits, labels}, "loss");
  std::vector<Value*> wanted;
  for (const Parameter& parameter : builder.parameters()) wanted.push_back(parameter.value);
  const std::vector<Value*> gradients = graph::differentiate(graph, loss, wanted);
  std::vector<GradientPair> pairs;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    pairs.push_back({builder.parameters()[i].state, wanted[i], gradients[i]});
  Value* predicate = emit_optimizer(graph, setting.optimizer, pairs, step, loss);
  const State skipped{"train/skipped", {{}, DType::i64}, StateRole::counter};
  graph::Node& metrics = graph.add(ops::accumulate_metrics({}, BadSteps::skipped),
                                   {step, predicate, graph.read(skipped)}, "metrics");
  graph.assign(kStep, metrics.output(0));
  graph.assign(skipped, metrics.output(1));
  return graph;
}

class Training {
 public:
  Training(const Setting& setting, const std::string& device, bool sparse)
      : runtime_(options(device, sparse)) {
    program_ = runtime_.add(training_step(setting));
    if (auto graph = ops::settling_graph(program().graph))
      settling_ = runtime_.add(std::move(*graph));
    runtime_.allocate();
    fill(setting);
  }

  void run(std::int64_t steps) {
    runtime_.executor(program_).run(runtime_.stream(), static_cast<int>(steps));
  }
  void set_factor(float factor) {
    runtime_.store().upload(kFactor.name, &factor, runtime_.stream());
  }
  // What a checkpoint would hold.
  std::map<std::string, Bytes> saved() {
    if (settling_) runtime_.executor(*settling_).run(runtime_.stream());
    std::map<std::string, Bytes> all;
    for (const State& state : runtime_.store().states()) {
      if (state.role == StateRole::data || state.role == StateRole::output) continue;
      Bytes& bytes = all[state.name];
      bytes.resize(state.type.bytes());
      runtime_.store().download(state.name, bytes.data(), runtime_.stream());
    }
    return all;
  }
  // A moment of the table.
  std::vector<float> values(const std::string& moment) {
    std::vector<float> all(kVocabulary * kWidth);
    runtime_.store().download(kTable + moment, all.data(), runtime_.stream());
    return all;
  }
  std::int64_t steps() { return runtime_.read_counter(kStep.name); }
  bool defers() const { return settling_.has_value(); }
  const graph::Program& program() const { return runtime_.program(program_); }
  std::vector<std::string> rewrites() const {
    for (const graph::PassReport& report : program().passes)
      if (report.pass == kPass) return report.rewrites;
    return {};
  }

 private:
  static RuntimeOptions options(const std::string& device, bool sparse) {
    RuntimeOptions options;
    options.device = device;
    options.tuner.mode = Autotune::off;
    options.tuner.candidates = "-onednn";
    if (!sparse) options.compile.passes_off = {kPass};
    return options;
  }

  // Frequencies fall steeply with the token's number, and a few tokens do not exist.
  void fill(const Setting& setting) {
    const std::int64_t rows = setting.steps * kBatch;
    std::vector<std::int32_t> tokens, labels;
    for (std::int64_t i = 0; i < rows * kLength; ++i) {
      const double u = uniform_from_word(random_word({1, 2}, 0, static_cast<std::uint64_t>(i)));
      tokens.push_back(
          static_cast<std::int32_t>(static_cast<double>(setting.vocabulary + 20) * std::pow(u, 4)));
    }
    for (std::int64_t i = 0; i < rows; ++i)
      labels.push_back(tokens[static_cast<std::size_t>(i * kLength)] % kClasses);
    runtime_.store().upload("tokens", tokens.data(), runtime_.stream());
    runtime_.store().upload("labels", labels.data(), runtime_.stream());
    for (const State& state : runtime_.store().states()) {
      if (state.role != StateRole::parameter) continue;
      const auto values = draw(Initializer::uniform(0.05), state.type.element_count(), 1, 1,
                               random_key(4, state.name));
      runtime_.store().upload(state.name, values.data(), runtime_.stream());
    }
  }

  Runtime runtime_;
  std::size_t program_ = 0;
  std::optional<std::size_t> settling_;
};

void expect_same(Training& sparse, Training& dense) {
  const auto with = sparse.saved(), without = dense.saved();
  ASSERT_EQ(with.size(), without.size());
  for (const auto& [name, bytes] : without) EXPECT_TRUE(with.at(name) == bytes) << name;
}

OptimizerSettings adam(const std::string& name, const std::string& schedule, double weight_decay) {
  OptimizerSettings settings = default_optimizer(name);
  settings.learning_rate = 0.003;
  settings.weight_decay = weight_decay;
  settings.schedule = parse_schedule(schedule);
  settings.length = {100, 12};
  return settings;
}

class SparseEmbedding : public testing::TestWithParam<std::string> {
 protected:
  bool simulated() const { return GetParam() != "cpu"; }
};

// With stops early, between two overflows of the history, and after one.
TEST_P(SparseEmbedding, HasTheBitsOfTheDenseUpdate) {
  const std::vector<std::int64_t> stops =
      simulated() ? std::vector<std::int64_t>{1, 6} : std::vector<std::int64_t>{3, 100, 1200};
  OptimizerSettings clipped = adam("adam", "cosine+warmup:50", 0);
  clipped.clip_value = 1e-4;
  for (const OptimizerSettings& optimizer :
       {adam("adam", "constant", 0), adam("adam", "cosine:0.1+warmup:50", 0.01),
        adam("adamw", "step:2:0.5", 0.02), clipped}) {
    SCOPED_TRACE(optimizer.name + " " + to_string(optimizer.schedule));
    const Setting setting{optimizer, stops.back()};
    Training sparse(setting, GetParam(), true), dense(setting, GetParam(), false);
    ASSERT_TRUE(sparse.defers());
    EXPECT_FALSE(dense.defers());
    for (std::int64_t done = 0; std::int64_t stop : stops) {
      sparse.run(stop - done);
      dense.run(stop - done);
      done = stop;
      SCOPED_TRACE(stop);
      expect_same(sparse, dense);
    }
  }
}

// Rows whose moments have died out, with as many updates put off as the history holds.
TEST_P(SparseEmbedding, IdleRowsDieOutAlike) {
  if (simulated()) GTEST_SKIP() << "takes more steps than a simulated device should";
  Setting setting{adam("adam", "constant", 0), 2200};
  Training sparse(setting, GetParam(), true), dense(setting, GetParam(), false);
  sparse.run(setting.steps);
  dense.run(setting.steps);
  expect_same(sparse, dense);
  const std::vector<float> mean = sparse.values("/mean"), square = sparse.values("/mean_square");
  std::size_t died_out = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) died_out += mean[i] == 0 && square[i] > 0;
  EXPECT_GT(died_out, 0u);
}

TEST_P(SparseEmbedding, ABadStepIsSkippedAlike) {
  const Setting setting{adam("adamw", "constant", 0.01), 16};
  Training sparse(setting, GetParam(), true), dense(setting, GetParam(), false);
  for (Training* training : {&sparse, &dense}) {
    training->run(6);
    training->set_factor(std::numeric_limits<float>::quiet_NaN());
    training->run(3);
    training->set_factor(1);
    training->run(5);
    EXPECT_EQ(training->steps(), 14);
  }
  expect_same(sparse, dense);
}

TEST_P(SparseEmbedding, TwoTablesAreUpdatedAlike) {
  const Setting setting{adam("adam", "constant", 0.01), 12, kVocabulary, "second/table"};
  Training sparse(setting, GetParam(), true), dense(setting, GetParam(), false);
  EXPECT_EQ(sparse.rewrites().size(), 2u);
  for (Training* training : {&sparse, &dense}) training->run(setting.steps);
  expect_same(sparse, dense);
}

TEST_P(SparseEmbedding, UpdatesInPlace) {
  const Training sparse({adam("adam", "constant", 0), 4}, GetParam(), true);
  int updates = 0;
  for (const graph::Step& step : sparse.program().steps) {
    if (step.node->op().name() == "deferred_adam") {
      ++updates;
      for (std::size_t i = 0; i < step.outputs.size(); ++i) {
        ASSERT_NE(step.outputs[i].state, nullptr) << i;
        EXPECT_EQ(*step.outputs[i].state, *step.inputs[3 + (i < 3 ? i : i + 1)].state) << i;
      }
    }
    EXPECT_NE(step.candidate, "copy") << step.node->label();
  }
  EXPECT_EQ(updates, 1);
}

INSTANTIATE_TEST_SUITE_P(Devices, SparseEmbedding, testing::ValuesIn(test::test_devices()),
                         [](const auto& test) { return test.param; });

TEST(SparseEmbeddingPass, SaysWhatItDoes) {
  const Training training({adam("adam", "constant", 0), 4}, "cpu", true);
  EXPECT_EQ(training.rewrites(),
            std::vector<std::string>{"of 'embedding_1/embeddings', 2000 x 33, a step touches at "
                                     "most 40 rows"});
}

// Whatever it does not do it says, and the table is updated as a whole.
TEST(SparseEmbeddingPass, LeavesDenseWhatItCannotDoExactly) {
  const auto expect_dense = [](const Setting& setting, const std::string& why) {
    Training training(setting, "cpu", true);
    const std::vector<std::string> lines = training.rewrites();
    ASSERT_EQ(lines.size(), 1u) << why;
    EXPECT_NE(lines[0].find("stays dense: " + why), std::string::npos) << lines[0];
    EXPECT_FALSE(training.defers());
    const Bytes before = training.saved().at(kTable);
    training.run(2);
    EXPECT_NE(training.saved().at(kTable), before);
  };
  OptimizerSettings accumulates = adam("adam", "constant", 0), clips = accumulates;
  accumulates.accumulate = 2;
  clips.clip_norm = 1;
  expect_dense({accumulates, 4}, "gradients are accumulated over 2 steps");
  expect_dense({clips, 4}, "gradients are clipped by their norm");
  expect_dense({adam("adam", "constant", 0), 4, 50}, "it has 1650 elements");
  expect_dense({adam("adam", "constant", 0), 4, kVocabulary, kTable}, "others read it, too");

  const Training other({default_optimizer("rmsprop"), 4}, "cpu", true);
  EXPECT_TRUE(other.rewrites().empty());
}

// A layer that adds rows of a table to numbers: in training those that the step counts to.
class CountedRows final : public Layer {
 public:
  CountedRows() : Layer("counted") {}
  std::string description() const override { return "counted rows"; }
  Value* build(Builder& builder, Value* x) const override {
    graph::Graph& graph = builder.graph();
    const std::int64_t batch = x->type().shape[0];
    Value* table = builder.parameter("counted/table", {kVocabulary, kClasses * 12},
                                     Initializer::uniform(0.05), 1, 1);
    Value* tokens =
        builder.step() != nullptr
            ? graph.apply(ops::batch_indices(
                              {kVocabulary, batch, kVocabulary / batch, true, {5, 6}}, batch),
                          {builder.step()}, "tokens")
            : graph.read(
                  {fmt::format("tokens_{}", batch), {{batch}, DType::i32}, StateRole::constant, 7});
    return graph.apply(ops::add(), {x, graph.apply(ops::embedding(), {table, tokens}, name())},
                       "sum");
  }
};

// Checkpoints within and between epochs, evaluation, and a resumed run see no update put off.
TEST(SparseEmbeddingTraining, CheckpointsAreThoseOfTheDenseRun) {
  const ScratchFolder scratch;
  const ModelDefinition model{
      "counted", "for tests",
      Network(Shape{784}).dense(kClasses * 12).add(std::make_shared<CountedRows>()).dense(10)};
  const auto run = [&](const std::string& name, bool sparse, std::int64_t every,
                       std::int64_t steps) {
    TrainSettings settings = default_settings(model);
    settings.data = "synthetic:300";
    settings.batch = 16;
    settings.epochs = 3;
    settings.seed = 5;
    settings.device = "cpu";
    settings.autotune = "off";
    settings.optimizer = adam("adamw", "cosine", 0.01);
    settings.checkpoint_every = every;
    settings.max_steps = steps;
    if (!sparse) settings.passes_off = {kPass};
    Callback nothing;
    const std::string folder = scratch / name;
    const bool resumes = std::filesystem::exists(folder);
    const TrainResult result =
        train(model, settings, {resumes ? "" : folder, resumes ? folder : ""}, nothing);
    return std::pair(read_text(folder + "/checkpoints/last.safetensors"), result.test.loss);
  };
  const auto dense = run("dense", false, 0, 0);
  EXPECT_TRUE(run("sparse", true, 0, 0) == dense);
  EXPECT_TRUE(run("often", true, 7, 0) == dense);
  EXPECT_TRUE(run("stopped", true, 0, 25) == run("stopped_dense", false, 0, 25));
  EXPECT_TRUE(run("stopped", true, 0, 0) == dense);
}

}  // namespace
}  // namespace engine
