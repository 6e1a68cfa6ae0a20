// Passes that promise the same bits: several training steps of the CNNs with each of them switched
// off, against the same steps with all of them on. Losses and parameters must be equal.
#include <gtest/gtest.h>

#include <bit>

#include "graph/op.h"
#include "models/train/evaluator.h"
#include "models/zoo/zoo.h"
#include "ops/elementwise.h"
#include "tests/support/op_case.h"

namespace engine {
namespace {

constexpr std::int64_t kBatch = 6;
constexpr int kSteps = 4;

struct Trajectory {
  std::vector<std::uint64_t> losses;  ///< bits of the total after every step
  std::vector<std::byte> parameters;  ///< after the last one
  std::size_t rewrites = 0;           ///< of the pass that may be switched off
};

std::size_t rewrites_of(const std::string& pass, const std::vector<graph::PassReport>& reports) {
  std::size_t rewrites = 0;
  for (const graph::PassReport& report : reports)
    if (report.pass == pass) rewrites += report.rewrites.size();
  return rewrites;
}

// The same kernels whatever the tuner would measure; ours, whose sums do not depend on threads.
RuntimeOptions runtime_options(const std::string& device, const std::set<std::string>& passes_off) {
  RuntimeOptions options;
  options.device = device;
  options.tuner.mode = Autotune::off;
  options.tuner.candidates = "-onednn";
  options.compile.passes_off = passes_off;
  return options;
}

// Something for dead-code to remove: ReLU of what comes out of the first convolution.
void add_unread(graph::Graph& graph) {
  for (const auto& node : graph.nodes())
    if (node->op().name() == "convolution") {
      graph.apply(ops::relu(), {node->output()}, "unread");
      return;
    }
}

Trajectory train(const std::string& name, const std::string& device, const std::string& pass,
                 bool on) {
  const ModelDefinition model = find_model(name);
  const auto dataset =
      open_dataset("synthetic:60", {model.network.input(), model.classes, model.text});
  const Feed feed = make_feed(*dataset, Part::train, kBatch, true, model.partial_batches);
  GraphOptions options;
  options.seed = 7;
  if (!on) options.passes_off = {pass};
  StepGraph step = training_graph(model, feed, options);
  add_unread(step.graph);
  Runtime runtime(runtime_options(device, options.passes_off));
  const std::size_t program = runtime.add(std::move(step.graph));
  runtime.allocate();
  upload_dataset(*dataset, Part::train, runtime);
  initialize_parameters(step.parameters, options.seed, runtime);

  Trajectory trajectory;
  trajectory.rewrites =
      rewrites_of(pass, step.passes) + rewrites_of(pass, runtime.program(program).passes);
  for (int i = 0; i < kSteps; ++i) {
    runtime.executor(program).run(runtime.stream());
    trajectory.losses.push_back(std::bit_cast<std::uint64_t>(runtime.read_total(kTrainLoss)));
  }
  for (const Parameter& parameter : step.parameters) {
    const TensorView view = runtime.store().view(parameter.state.name);
    const std::size_t at = trajectory.parameters.size();
    trajectory.parameters.resize(at + view.type.bytes());
    runtime.stream().copy_to_host(&trajectory.parameters[at], view.data, view.type.bytes());
  }
  runtime.stream().synchronize();
  return trajectory;
}

class ExactPasses : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(ExactPasses, LossesHaveTheSameBitsWithAndWithout) {
  const auto [model, pass] = GetParam();
  for (const std::string& device : test::test_devices()) {
    SCOPED_TRACE(device);
    const Trajectory with = train(model, device, pass, true);
    const Trajectory without = train(model, device, pass, false);
    EXPECT_GT(with.rewrites, 0u) << "the pass has nothing to do here";
    EXPECT_EQ(without.rewrites, 0u);
    EXPECT_EQ(with.losses, without.losses);
    EXPECT_EQ(with.parameters, without.parameters);
  }
}

INSTANTIATE_TEST_SUITE_P(Cnn, ExactPasses,
                         testing::Combine(testing::Values("cifar10-cnn", "mnist-cnn"),
                                          testing::Values("pool-before-relu", "fuse-pool-epilogue",
                                                          "fuse-convolution-epilogue",
                                                          "fuse-dense-epilogue", "dead-code",
                                                          "in-place")));

}  // namespace
}  // namespace engine
