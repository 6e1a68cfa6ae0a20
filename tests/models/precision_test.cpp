// Training in bf16: what the graphs look like, and that it learns, resumes bit for bit, evaluates
// and predicts, and agrees between devices.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "engine/core/error.h"
#include "graph/op.h"
#include "models/train/inference.h"
#include "models/train/trainer.h"
#include "tests/models/lockstep.h"
#include "tests/models/scratch.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

struct Silent : Callback {
  std::atomic<bool> stop = false;
};

TrainSettings settings(std::int64_t epochs, const std::string& device) {
  TrainSettings s = default_settings(find_model("mnist-mlp"));
  s.data = "synthetic:1000";
  s.epochs = epochs;
  s.seed = 5;
  s.device = device;
  s.autotune = "off";
  s.precision = "bf16";
  return s;
}

graph::Graph training_step(const ModelDefinition& model, std::set<std::string> passes_off = {}) {
  GraphOptions options;
  options.activations = DType::bf16;
  options.passes_off = std::move(passes_off);
  Feed feed;
  feed.count = 1000;
  feed.batch = 128;
  feed.shuffle = true;
  feed.group = feed.groups().front();
  return training_graph(model, feed, options).graph;
}

std::size_t count_op(const graph::Graph& graph, const std::string& op) {
  std::size_t count = 0;
  for (const auto& node : graph.nodes()) count += node->op().name() == op;
  return count;
}

const graph::Node& find_node(const graph::Graph& graph, const std::string& label) {
  for (const auto& node : graph.nodes())
    if (node->label() == label) return *node;
  throw UsageError("no node is called " + label);
}

TEST(Bfloat16Graph, StoresActivationsNarrowAndParametersWide) {
  const graph::Graph graph = training_step(find_model("mnist-mlp"));
  const auto dtype_of_output = [&](const std::string& label) {
    return find_node(graph, label).output()->type().dtype;
  };
  EXPECT_EQ(dtype_of_output("feed/observations"), DType::bf16);
  EXPECT_EQ(dtype_of_output("dense_1"), DType::bf16);
  EXPECT_EQ(dtype_of_output("dense_2"), DType::bf16);
  EXPECT_EQ(dtype_of_output("dense_3"), DType::f32);
  EXPECT_EQ(dtype_of_output("dense_2/weight_gradient"), DType::f32);
  EXPECT_EQ(dtype_of_output("dense_2/input_gradient"), DType::bf16);
  for (const graph::State& state : graph.states()) EXPECT_NE(state.type.dtype, DType::bf16);
  // All that is left to convert is the gradient of the logits.
  EXPECT_EQ(count_op(graph, "cast"), 1u);
  EXPECT_GT(count_op(training_step(find_model("mnist-mlp"), {"fold-casts"}), "cast"), 1u);
}

TEST(Bfloat16Graph, LayersWithoutANarrowFormGetFloats) {
  ModelDefinition model = find_model("mnist-mlp");
  Network branch;
  branch.dense(32).activation("tanh");
  model.network = Network(Shape{784});
  model.network.dense(32)
      .layer_norm()
      .dense(32)
      .relu()
      .batch_norm()
      .residual(branch)
      .concatenate(branch)
      .dropout(0.5)
      .reshape({2, -1})
      .flatten()
      .dense(10);
  const graph::Graph graph = training_step(model);
  graph.verify();
  // The layer before one gives f32 itself; the one behind reads bf16 all the same.
  for (const char* normalization : {"layer_norm_1", "batch_norm_1"})
    EXPECT_EQ(find_node(graph, normalization).input(0)->producer().op().name(), "dense");
  for (const char* dense : {"dense_2", "residual_1/dense_1"})
    EXPECT_EQ(find_node(graph, dense).input(0)->type().dtype, DType::bf16);
}

// Both readers of a bf16 value want gradients summed.
TEST(Bfloat16Graph, SumsGradientsOfValuesReadTwice) {
  ModelDefinition model = find_model("mnist-mlp");
  Network branch;
  branch.dense(32);
  model.network = Network(Shape{784});
  model.network.dense(32).residual(branch).dense(10);
  const graph::Graph graph = training_step(model);
  EXPECT_EQ(find_node(graph, "residual_1").output()->type().dtype, DType::bf16);
  EXPECT_EQ(find_node(graph, "dense_1/gradient").output()->type().dtype, DType::bf16);
}

class Bfloat16Training : public testing::TestWithParam<std::string> {};

TEST_P(Bfloat16Training, Learns) {
  const ScratchFolder scratch;
  Silent observer;
  const TrainResult result =
      train(settings(3, GetParam()), {scratch / "run", ""}, observer, observer.stop);
  EXPECT_EQ(result.steps, 3 * 8);
  EXPECT_GT(*result.test.accuracy, 0.5);
}

TEST_P(Bfloat16Training, ResumesBitForBit) {
  const ScratchFolder scratch;
  const auto last = [](const std::string& run) {
    return read_text(run + "/checkpoints/last.safetensors");
  };
  Silent observer;
  const std::string whole = scratch / "whole", stopped = scratch / "stopped";
  train(settings(2, GetParam()), {whole, ""}, observer, observer.stop);
  TrainSettings part = settings(2, GetParam());
  part.max_steps = 11;
  train(part, {stopped, ""}, observer, observer.stop);
  TrainSettings other = settings(2, GetParam());
  other.precision = "fp32";
  EXPECT_THROW(train(other, {"", stopped}, observer, observer.stop), UsageError);
  train(settings(2, GetParam()), {"", stopped}, observer, observer.stop);
  EXPECT_TRUE(last(stopped) == last(whole));
}

INSTANTIATE_TEST_SUITE_P(Devices, Bfloat16Training, testing::ValuesIn(test_devices()),
                         [](const auto& test) { return test.param; });

// Device and candidates, each beside the CPU's first choice.
using Side = std::pair<std::string, std::string>;

std::vector<Side> sides() {
  std::vector<Side> all;
  for (const std::string& device : test_devices()) {
    if (device == "cpu")
      all.insert(all.end(), {{device, "onednn.matmul.bf16"}, {device, "cpu.blocked"}});
    else
      all.insert(all.end(), {{device, "cublaslt"}, {device, "cuda.tiled"}});
  }
  return all;
}

class Bfloat16Lockstep : public testing::TestWithParam<Side> {};

// A sum that two devices round to bf16 in different directions differs by 2^-8 of itself, which
// pushes units of the next layer over the edge of their ReLU: whole steps agree but roughly.
TEST_P(Bfloat16Lockstep, EveryOpStaysWithinItsBound) {
  const auto& [device, candidates] = GetParam();
  const LockstepReport report = run_lockstep(find_model("mnist-mlp"), "synthetic:1000", device,
                                             candidates, 32, 10, DType::bf16);
  EXPECT_EQ(report.steps, 10);
  EXPECT_EQ(report.first_failure, "");
  EXPECT_LT(report.ops.at("dense").worst, 3);
  EXPECT_LT(report.worst_whole_step, 0.3);
}

INSTANTIATE_TEST_SUITE_P(Devices, Bfloat16Lockstep, testing::ValuesIn(sides()),
                         [](const auto& test) {
                           std::string name = test.param.first + "_" + test.param.second;
                           for (char& c : name)
                             if (c == '.' || c == ':') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace engine::test
