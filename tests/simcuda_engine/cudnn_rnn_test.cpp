// cuDNN's candidate of recurrent layers on the simulated device: what it offers and refuses, what
// numerics it allows, capture, and what happens when any one of its calls fails. Its results in f32
// the table of cases holds to the references.
#include <algorithm>

#include "engine/tune/workbench.h"
#include "kernels/gru.h"
#include "kernels/lstm.h"
#include "ops/recurrent.h"
#include "tests/simcuda_engine/cudnn_fixture.h"

namespace engine::test {
namespace {

using CudnnRnnCandidate = CudnnCandidates;

constexpr RecurrentExtents kSmall{3, 4, 5, 32};

// A layer of `n`, or its gradient: dy, dx and what attributes want.
Problem layer_problem(const RecurrentCell& cell, const RecurrentExtents& n,
                      RecurrentAttributes attributes, bool gradient = false) {
  const Shape state{n.sequences, n.units};
  const std::int64_t columns = cell.input_gates * n.units;
  std::vector<TensorType> types;
  const TensorType y{{n.sequences, n.steps, n.units}, DType::f32};
  if (gradient) {
    attributes.sequence_gradient = attributes.input_gradient = true;
    types.push_back(y);
  }
  types.push_back({{n.sequences, n.steps, n.inputs}, DType::f32});
  types.push_back({{n.inputs, columns}, DType::f32});
  types.push_back({{n.units, cell.recurrent_gates * n.units}, DType::f32});
  types.push_back({cell.two_biases ? Shape{2, columns} : Shape{columns}, DType::f32});
  for (int i = 0; attributes.initial && i < cell.states; ++i) types.push_back({state, DType::f32});
  if (attributes.mask) types.push_back({{n.sequences, n.steps}, DType::u8});
  if (attributes.scale) types.push_back({state, DType::f32});
  if (!gradient) return graph::make_problem(*ops::recurrent(cell, attributes), types);
  types.push_back(y);
  types.push_back({{n.steps, n.sequences, cell.gates * n.units}, DType::f32});
  if (cell.states == 2) types.push_back({{n.steps, n.sequences, n.units}, DType::f32});
  return graph::make_problem(*ops::recurrent_gradient(cell, attributes), types);
}

const std::string kId = "cudnn.rnn";

TEST_F(CudnnRnnCandidate, RefusesWithAReason) {
  const auto refusal = [&](const RecurrentExtents& n, const RecurrentAttributes& attributes,
                           bool gradient) {
    const Support support = query(kId, layer_problem(kLstm, n, attributes, gradient));
    EXPECT_TRUE(support.configurations.empty());
    return support.refusal;
  };
  EXPECT_EQ(refusal(kSmall, {.keep = true}, false),
            "keeps what its gradient reads in a format of its own");
  for (const bool gradient : {false, true}) {
    EXPECT_EQ(refusal(kSmall, {.mask = true, .keep = false}, gradient), "takes no mask");
    EXPECT_EQ(refusal(kSmall, {.scale = true, .keep = false}, gradient),
              "does not scale the state");
    for (const RecurrentExtents& n : {RecurrentExtents{0, 4, 5, 32}, RecurrentExtents{3, 0, 5, 32},
                                      RecurrentExtents{3, 4, 0, 32}})
      EXPECT_EQ(refusal(n, {.keep = false}, gradient), "wants elements");
  }
  for (const KernelCandidate* found : CandidateRegistry::global().find("gru", "cuda"))
    EXPECT_NE(found->id(), kId);  // the library resets after the product
  SimcudaLive live{};
  SIMULATOR(simcuda_live)(&live);
  EXPECT_EQ(live.cudnn_handles, 0u);
}

// The simulated library has limits of its own to the persistent kernels; those of small_h, which it
// does not say in advance, are known here.
TEST_F(CudnnRnnCandidate, OffersTheAlgorithmsThatSolveAProblem) {
  const auto offered = [&](std::int64_t units, bool gradient) {
    return names(kId, layer_problem(kGruResetAfter, {3, 4, 5, units}, {.keep = false}, gradient));
  };
  using Names = std::set<std::string>;
  const Names all{"standard.fma", "persist_static.fma", "persist_dynamic.fma",
                  "persist_static_small_h.fma"};
  EXPECT_EQ(offered(64, false), all);
  EXPECT_EQ(offered(64, true), all);
  EXPECT_EQ(offered(48, false), all);
  EXPECT_EQ(offered(48, true),
            (Names{"standard.fma", "persist_static.fma", "persist_dynamic.fma"}));
  EXPECT_EQ(offered(192, false), (Names{"standard.fma", "persist_static_small_h.fma"}));
  EXPECT_EQ(offered(193, false), (Names{"standard.fma"}));
  Problem loose = layer_problem(kLstm, {3, 4, 5, 193}, {.keep = false});
  loose.math = Math::tf32;
  EXPECT_EQ(names(kId, loose), (Names{"standard.fma", "standard.tf32"}));
  for (const Configuration& configuration : query(kId, loose).configurations)
    EXPECT_FALSE(configuration.deterministic);
  EXPECT_THROW(candidate("lstm", kId).prepare(loose, {"none", 0, true}, *device_), UsageError);
}

// As the tuner checks it, gradients by their own forward pass over the operands that are tuned.
TEST_F(CudnnRnnCandidate, StaysWithinItsBoundInTf32) {
  const auto stream = device_->make_stream();
  for (const RecurrentCell* cell : {&kLstm, &kGruResetAfter})
    for (const bool gradient : {false, true}) {
      Problem problem = layer_problem(*cell, kSmall, {.initial = true, .keep = false}, gradient);
      problem.math = Math::tf32;
      const KernelCandidate& tried = candidate(problem.op, kId);
      Workbench bench(problem, *device_, *stream);
      double strict = 0, loose = 0;
      for (const Configuration& configuration : query(kId, problem).configurations) {
        const auto kernel = tried.prepare(problem, configuration, *device_);
        const Verdict verdict =
            bench.check(*kernel, configuration.workspace, tried.error_factor(problem));
        EXPECT_EQ(verdict.refusal, "") << problem.op << ' ' << configuration.name;
        double& worst = configuration.name.ends_with(".tf32") ? loose : strict;
        worst = std::max(worst, verdict.error);
      }
      EXPECT_GT(loose, 8 * strict) << problem.op;  // operands were rounded
    }
}

// In either direction, beside a launch that is not captured.
TEST_F(CudnnRnnCandidate, IsCaptured) {
  for (const RecurrentCell* cell : {&kLstm, &kGruResetAfter})
    for (const bool gradient : {false, true}) {
      const Problem problem =
          layer_problem(*cell, kSmall, {.initial = true, .reverse = true, .keep = false}, gradient);
      const Support support = query(kId, problem);
      ASSERT_EQ(support.configurations.size(), 4u);
      for (const Configuration& configuration : support.configurations) {
        const auto kernel = candidate(problem.op, kId).prepare(problem, configuration, *device_);
        Operands plain(*device_, problem, configuration.workspace, 0.05f),
            captured(*device_, problem, configuration.workspace, 0.05f);
        kernel->launch(plain.arguments());
        const auto replay =
            device_->capture(*captured.stream, [&] { kernel->launch(captured.arguments()); });
        replay->launch(*captured.stream);
        for (std::size_t i = 0; i < problem.outputs.size(); ++i) {
          EXPECT_EQ(captured.result(i), plain.result(i)) << configuration.name;
          EXPECT_NE(plain.result(i).at(0), 0) << configuration.name;
        }
      }
    }
}

TEST_F(CudnnRnnCandidate, SurvivesTheFailureOfAnyCall) {
  expect_survival(kId, layer_problem(kLstm, kSmall, {.initial = true, .keep = false}, true));
}

}  // namespace
}  // namespace engine::test
