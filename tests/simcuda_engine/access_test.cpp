// How kernels touch memory, counted by the race build of the simulated device: sectors of 32 bytes
// that each warp-wide access moves against the fewest that could hold its bytes, and passes over
// the shared-memory banks. Shapes are those of a small multilayer perceptron, output layer
// included.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "kernels/augment.h"
#include "kernels/batch_indices.h"
#include "kernels/dense.h"
#include "kernels/gather.h"
#include "ops/accumulate_gradients.h"
#include "ops/adam.h"
#include "ops/binary.h"
#include "ops/convolution.h"
#include "ops/gradient_scale.h"
#include "ops/layout.h"
#include "ops/movement.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/registry.h"
#include "ops/rmsprop.h"
#include "ops/sgd.h"
#include "tests/simcuda_engine/simulator.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

constexpr double kMostSectors = 1.1;  // times the ideal
constexpr double kEveryOther = 2.0;   // where they are every other element
constexpr double kShifted = 1.3;      // where lines begin in the middle of a sector

TensorType floats(Shape shape) {
  return {std::move(shape), DType::f32};
}
TensorType integers(Shape shape) {
  return {std::move(shape), DType::i32};
}

TensorType channels_last(Shape shape) {
  return {std::move(shape), DType::f32, Layout::channels_last};
}

Problem op_problem(const std::shared_ptr<const graph::Op>& op,
                   const std::vector<TensorType>& types) {
  return graph::make_problem(*op, types);
}

const WindowAttributes kSame{.padding_before = {0, 1, 1}, .padding_after = {0, 1, 1}};
// Windows of 2 x 2, side by side.
PoolAttributes halves() {
  PoolAttributes pool;
  pool.extents = pool.window.stride = {1, 2, 2};
  return pool;
}

Problem make_problem(std::string op, Attributes attributes, std::vector<TensorType> inputs,
                     std::vector<TensorType> outputs) {
  Problem problem;
  problem.op = std::move(op);
  problem.attributes = std::move(attributes);
  problem.inputs = std::move(inputs);
  problem.outputs = std::move(outputs);
  return problem;
}

class AccessPattern : public testing::Test {
 protected:
  void SetUp() override {
    initialize();
    device_ = open_device("cuda");
    stream_ = device_->make_stream();
    ASSERT_EQ(SIMULATOR(simcuda_is_race_build)(), 1);

    SIMULATOR(simcuda_forget_accesses)();
  }
  void TearDown() override {
    EXPECT_EQ(SIMULATOR(simcuda_race_count)(), 0u);
    EXPECT_EQ(SIMULATOR(simcuda_host_access_count)(), 0u);
  }

  // Reals are zeros, but for scalars (of which one may say that there is nothing to do): ones.
  // Integers are labels of ten classes, or rows that lie at odd places.
  void fill(const TensorType& type, void* data) {
    constexpr float one = 1;
    stream_->fill(data, 0, type.bytes());
    if (type == floats({})) stream_->copy_to_device(data, &one, sizeof one);
    if (type.dtype != DType::i32) return;
    std::vector<std::int32_t> values(static_cast<std::size_t>(type.element_count()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i * 7 % 10);
    stream_->copy_to_device(data, values.data(), type.bytes());
  }

  // Launches every configuration of the hand-written candidates of `problem`, or of some of them.
  void launch(const Problem& problem, const std::string& candidates = "cuda.") {
    std::vector<Buffer> buffers;
    const auto views = [&](const std::vector<TensorType>& types) {
      std::vector<TensorView> result;
      for (const TensorType& type : types) {
        buffers.emplace_back(*device_, type.bytes());
        fill(type, buffers.back().data());
        result.push_back({type, buffers.back().data()});
      }
      return result;
    };
    const auto inputs = views(problem.inputs), outputs = views(problem.outputs);
    for (const auto* candidate : CandidateRegistry::global().find(problem.op, "cuda"))
      for (const auto& configuration : candidate->query(problem, *device_).configurations) {
        if (!candidate->id().starts_with(candidates)) continue;
        const Buffer workspace(*device_, configuration.workspace);
        const auto kernel = candidate->prepare(problem, configuration, *device_);
        kernel->launch({inputs, outputs, workspace.data(), *stream_});
        stream_->synchronize();
      }
  }

  std::vector<SimcudaSiteAccesses> sites() const {
    std::vector<SimcudaSiteAccesses> found(SIMULATOR(simcuda_site_accesses)(nullptr, 0));
    SIMULATOR(simcuda_site_accesses)(found.data(), found.size());
    return found;
  }

  // Totals over a problem's launches: loads and stores together.
  void expect_few_sectors(const Problem& problem, double most = kMostSectors) {
    SIMULATOR(simcuda_forget_accesses)();
    launch(problem);
    std::uint64_t sectors = 0, ideal = 0, wavefronts = 0, ideal_wavefronts = 0;
    for (const SimcudaSiteAccesses& site : sites()) {
      for (const auto& global : {site.accesses.global_loads, site.accesses.global_stores}) {
        sectors += global.sectors;
        ideal += global.ideal_sectors;
      }
      wavefronts += site.accesses.shared.wavefronts;
      ideal_wavefronts += site.accesses.shared.ideal_wavefronts;
    }
    const double ratio = static_cast<double>(sectors) / static_cast<double>(ideal);
    fmt::print("{}: {:.3f} times the ideal sectors\n", problem.key(), ratio);
    EXPECT_GT(ideal, 0u) << problem.key();
    EXPECT_LE(ratio, most) << problem.key();
    EXPECT_EQ(wavefronts, ideal_wavefronts) << problem.key();
  }

  // What kernels of that name did in all: loads, stores and, but for lines of the file `uncounted`,
  // shared memory.
  SimcudaAccesses totals(const std::string& kernel, const std::string& uncounted) const {
    SimcudaAccesses sum{};
    const auto add = [](SimcudaGlobalAccesses& to, const SimcudaGlobalAccesses& from) {
      to.requests += from.requests;
      to.sectors += from.sectors;
      to.ideal_sectors += from.ideal_sectors;
    };
    for (const SimcudaSiteAccesses& site : sites()) {
      if (std::string(site.kernel).find(kernel) == std::string::npos) continue;
      add(sum.global_loads, site.accesses.global_loads);
      add(sum.global_stores, site.accesses.global_stores);
      if (!uncounted.empty() && std::string(site.location).find(uncounted) != std::string::npos)
        continue;
      sum.shared.requests += site.accesses.shared.requests;
      sum.shared.wavefronts += site.accesses.shared.wavefronts;
      sum.shared.ideal_wavefronts += site.accesses.shared.ideal_wavefronts;
    }
    return sum;
  }

  // Holds kernels of that name to so many times the ideal sectors, and to no bank conflict.
  void expect_near_ideal(const std::string& kernel, double most = kMostSectors,
                         const std::string& uncounted = "") const {
    const SimcudaAccesses sum = totals(kernel, uncounted);
    const auto ratio = [](const SimcudaGlobalAccesses& global) {
      return static_cast<double>(global.sectors) /
             static_cast<double>(std::max<std::uint64_t>(global.ideal_sectors, 1));
    };
    fmt::print("{}: loads {:.3f}, stores {:.3f} times the ideal sectors; {} wavefronts for {}\n",
               kernel, ratio(sum.global_loads), ratio(sum.global_stores), sum.shared.wavefronts,
               sum.shared.ideal_wavefronts);
    EXPECT_GT(sum.global_loads.requests, 0u) << kernel;
    EXPECT_GT(sum.global_stores.requests, 0u) << kernel;
    EXPECT_LE(ratio(sum.global_loads), most) << kernel;
    EXPECT_LE(ratio(sum.global_stores), most) << kernel;
    EXPECT_EQ(sum.shared.wavefronts, sum.shared.ideal_wavefronts) << kernel;
  }

  // All three directions of a convolution of x into as many channels as the filters have.
  void launch_convolution(const TensorType& x, const Shape& filters, const WindowAttributes& window,
                          std::int64_t groups, const std::string& candidates = "cuda.") {
    const TensorType w = floats(filters);
    const Problem forward = op_problem(ops::convolution({window, groups, {Activation::relu, {}}}),
                                       {x, w, floats({filters[0]})});
    const TensorType& z = forward.outputs[0];
    launch(forward, candidates);
    launch(op_problem(ops::convolution_input_gradient(window, groups, spatial_extents(x.shape)),
                      {z, w}),
           candidates);
    launch(op_problem(ops::convolution_weight_gradient(window, groups, spatial_extents(filters)),
                      {x, z}),
           candidates);
  }

  // The loads and the shared memory of every product in the tiles of dense_tile.cuh that was
  // launched in kernels of that name.
  void expect_ideal_main_loops(const std::string& kernel) const {
    std::uint64_t loads = 0, shared = 0;
    double worst = 0;
    for (const SimcudaSiteAccesses& site : sites()) {
      if (std::string(site.kernel).find(kernel) == std::string::npos) continue;
      const bool is_tile = std::string(site.location).find("dense_tile.cuh") != std::string::npos;
      const SimcudaGlobalAccesses& global = site.accesses.global_loads;
      const SimcudaSharedAccesses& bank = site.accesses.shared;
      EXPECT_EQ(bank.wavefronts, bank.ideal_wavefronts) << site.kernel << ' ' << site.location;
      shared += bank.requests;
      if (!is_tile || global.requests == 0) continue;  // else bias, once a tile
      const double ratio =
          static_cast<double>(global.sectors) / static_cast<double>(global.ideal_sectors);
      EXPECT_LE(ratio, kMostSectors) << site.kernel << ' ' << site.location;
      worst = std::max(worst, ratio);
      loads += global.requests;
    }
    fmt::print("{}: {} loads, at most {:.3f} times the ideal sectors; {} shared accesses\n", kernel,
               loads, worst, shared);
    EXPECT_GT(loads, 0u);
    EXPECT_GT(shared, 0u);
  }

  std::unique_ptr<Device> device_;
  std::unique_ptr<Stream> stream_;
};

// The three products of a layer, in every tile size and split, vector and scalar loads.
TEST_F(AccessPattern, MainLoopsOfProductsAreIdeal) {
  const Attributes relu = DenseAttributes{Activation::relu, {}}.to_attributes();
  for (std::int64_t outputs : {128, 10}) {
    const std::int64_t batch = 128, inputs = 128;
    launch(make_problem("dense", relu,
                        {floats({batch, inputs}), floats({inputs, outputs}), floats({outputs})},
                        {floats({batch, outputs})}));
    launch(make_problem("dense_input_gradient", {},
                        {floats({batch, outputs}), floats({inputs, outputs})},
                        {floats({batch, inputs})}));
    launch(make_problem("dense_weight_gradient", {},
                        {floats({batch, inputs}), floats({batch, outputs})},
                        {floats({inputs, outputs}), floats({outputs})}));
  }
  expect_ideal_main_loops("product_kernel");
}

// All three directions over images with channels last, of one group and of several, padded.
TEST_F(AccessPattern, MainLoopsOfConvolutionsAreIdeal) {
  for (std::int64_t groups : {1, 2})
    launch_convolution(channels_last({2, 64, 9, 8}), {64, 64 / groups, 3, 3}, kSame, groups,
                       "cuda.implicit_gemm");
  expect_ideal_main_loops("correlation_kernel");
  expect_ideal_main_loops("weight_kernel");
}

TEST_F(AccessPattern, WinogradsKernelsAreNearIdeal) {
  launch_convolution(channels_last({2, 32, 9, 8}), {40, 32, 3, 3}, kSame, 1, "cuda.winograd");
  expect_ideal_main_loops("point_products_kernel");
  for (const char* kernel : {"transform_input_kernel", "transform_output_kernel",
                             "transform_output_gradient_kernel", "fused_kernel"})
    expect_near_ideal(kernel);
}

// Where neighbouring lanes have neighbouring tiles or windows of a row, each access takes every
// other element of it; the elements between are those of the thread's next access, and in the
// first-level cache by then.
TEST_F(AccessPattern, RowMajorImagesAreTakenInStrides) {
  const TensorType x = floats({1, 32, 8, 32});
  launch_convolution(x, {40, 32, 3, 3}, kSame, 1, "cuda.winograd_fused");
  expect_near_ideal("fused_kernel", kEveryOther);
  launch_convolution(x, {40, 32, 3, 3}, kSame, 1, "cuda.implicit_gemm");
  expect_near_ideal("correlation_kernel", kShifted);
  expect_near_ideal("weight_kernel", kShifted);
  expect_few_sectors(op_problem(ops::max_pool(halves()), {x}), kEveryOther);
  expect_few_sectors(op_problem(ops::average_pool(halves()), {x}), kEveryOther);
}

// Of three channels, which fill no sector, and of a row's 32 columns. Where windows overlap, lines
// of a patch begin before a row: lanes then store unequally often, and the counter takes stores to
// different lines for one request. Without overlap every lane stores at once.
TEST_F(AccessPattern, DirectConvolutionsAreNearIdeal) {
  for (Layout layout : {Layout::channels_last, Layout::row_major})
    for (std::int64_t filter : {1, 3}) {
      SIMULATOR(simcuda_forget_accesses)();
      launch_convolution({{1, 3, 8, 32}, DType::f32, layout}, {64, 3, filter, filter},
                         filter == 1 ? WindowAttributes{} : kSame, 1, "cuda.direct");
      const std::string uncounted = filter == 1 ? "" : "convolution_patch.cuh";
      expect_near_ideal("direct_kernel", kMostSectors, uncounted);
      expect_near_ideal("direct_weight_kernel", kMostSectors, uncounted);
    }
}

TEST_F(AccessPattern, DepthwiseConvolutionsAreNearIdeal) {
  launch_convolution(channels_last({1, 64, 9, 8}), {64, 1, 3, 3}, kSame, 64, "cuda.depthwise");
  expect_near_ideal("depthwise_kernel");
  expect_near_ideal("depthwise_weight_kernel");
  // In a row-major line shifted by a column 32 neighbours lie in five sectors instead of four, in
  // two of three columns of a filter: 4.67 / 4, and dz and filters beside them. The first-level
  // cache holds what is read again.
  SIMULATOR(simcuda_forget_accesses)();
  launch_convolution(floats({1, 4, 32, 32}), {4, 1, 3, 3}, kSame, 4, "cuda.depthwise");
  expect_near_ideal("depthwise_kernel", kShifted);
  expect_near_ideal("depthwise_weight_kernel", kShifted);
}

TEST_F(AccessPattern, PoolsAndLayoutsAreNearIdeal) {
  const TensorType x = channels_last({2, 64, 8, 8}), y = channels_last({2, 64, 4, 4});
  const TensorType index{y.shape, DType::u8, y.layout};
  expect_few_sectors(op_problem(ops::max_pool(halves()), {x}));
  expect_few_sectors(op_problem(ops::average_pool(halves()), {x}));
  expect_few_sectors(op_problem(ops::max_pool_gradient(halves(), {1, 8, 8}, 1), {y, index}));
  expect_few_sectors(op_problem(ops::average_pool_gradient(halves(), {1, 8, 8}), {y}));
  expect_few_sectors(op_problem(ops::to_layout(Layout::row_major), {x}));
  expect_few_sectors(op_problem(ops::to_layout(Layout::channels_last), {floats({2, 64, 8, 8})}));
}

TEST_F(AccessPattern, OtherKernelsAreNearIdeal) {
  const TensorType step{Shape{}, DType::i64};
  const TensorType hidden = floats({128, 512});
  expect_few_sectors(make_problem("relu", {}, {hidden}, {hidden}));
  expect_few_sectors(
      make_problem("relu_gradient", Attributes().set("scale", 1.25), {hidden, hidden}, {hidden}));
  expect_few_sectors(make_problem("add", {}, {hidden, hidden}, {hidden}));
  Attributes dropout;
  DropoutAttributes{0.2, {1, 2}}.add_to(dropout);
  expect_few_sectors(make_problem("dropout", dropout, {hidden, step}, {hidden}));
  expect_few_sectors(make_problem("gather", GatherAttributes{1 / 255.0, 0}.to_attributes(),
                                  {{Shape{300, 784}, DType::u8}, integers({128})},
                                  {floats({128, 784})}));
  expect_few_sectors(make_problem("augment", AugmentAttributes{0.1, true, {1, 2}}.to_attributes(),
                                  {floats({8, 3, 32, 32}), step}, {floats({8, 3, 32, 32})}));
  const TensorType logits = floats({128, 10}), labels = integers({128});
  expect_few_sectors(make_problem("softmax_cross_entropy", {}, {logits, labels}, {floats({})}));
  expect_few_sectors(
      make_problem("softmax_cross_entropy_gradient", {}, {logits, labels, floats({})}, {logits}));
  expect_few_sectors(make_problem("accuracy", {}, {logits, labels}, {integers({})}));
  expect_few_sectors(make_problem(
      "batch_indices", BatchIndicesAttributes{60000, 128, 469, true, {1, 2}}.to_attributes(),
      {step}, {integers({128})}));
}

// A transposition reads and writes whole sectors, through shared memory without bank conflicts;
// rows, columns and broadcast operands are read as they lie.
TEST_F(AccessPattern, MovementAndReductionsAreNearIdeal) {
  const auto expect_op = [&](const std::shared_ptr<const graph::Op>& op,
                             const std::vector<TensorType>& types) {
    expect_few_sectors(op_problem(op, types));
  };
  const TensorType matrix = floats({96, 160});
  expect_op(ops::transpose({1, 0}), {matrix});
  expect_op(ops::transpose({0, 2, 1}), {floats({3, 40, 64})});
  expect_op(ops::concatenate(1), {matrix, matrix});
  expect_op(ops::slice({8, 32}, {64, 64}), {matrix});
  expect_op(ops::broadcast({96, 160}), {floats({160})});
  expect_op(ops::multiply(), {matrix, floats({160})});
  expect_op(ops::multiply(), {matrix, floats({96, 1})});
  for (int axis : {0, 1}) expect_op(ops::reduce({ReduceKind::sum, axis, 1, false}), {matrix});
  expect_op(ops::reduce({ReduceKind::max, 0, 1, false}), {floats({5000})});
}

TEST_F(AccessPattern, NormalizationsAndLossesAreNearIdeal) {
  const TensorType hidden = floats({128, 512}), features = floats({512}), rows = floats({128});
  expect_few_sectors(make_problem("softmax", {}, {hidden}, {hidden}));
  expect_few_sectors(make_problem("log_softmax_gradient", {}, {hidden, hidden}, {hidden}));
  expect_few_sectors(make_problem("sigmoid_cross_entropy", {}, {hidden, hidden}, {floats({})}));
  expect_few_sectors(make_problem("binary_accuracy", {}, {hidden, hidden}, {integers({})}));
  expect_few_sectors(
      make_problem("mean_squared_error_gradient", {}, {hidden, hidden, floats({})}, {hidden}));
  const Attributes epsilon = Attributes().set_untuned("epsilon", 1e-3);
  expect_few_sectors(
      make_problem("layer_norm", epsilon, {hidden, features, features}, {hidden, rows, rows}));
  expect_few_sectors(make_problem("layer_norm_input_gradient", {},
                                  {hidden, hidden, features, rows, rows}, {hidden}));
  expect_few_sectors(make_problem("layer_norm_parameter_gradient", {}, {hidden, hidden, rows, rows},
                                  {features, features}));
  for (const auto& [x, c] :
       {std::pair{hidden, features}, std::pair{floats({600, 64}), floats({64})},
        std::pair{floats({16, 8, 16, 16}), floats({8})}}) {
    expect_few_sectors(make_problem("batch_norm", epsilon, {x, c, c}, {x, c, c}));
    expect_few_sectors(make_problem("batch_norm_gradient", epsilon, {x, x, c, c, c}, {x, c, c}));
    expect_few_sectors(make_problem("batch_norm_inference", epsilon, {x, c, c, c, c}, {x}));
  }
}

TEST_F(AccessPattern, OptimizersAreNearIdeal) {
  const std::vector<TensorType> parameters{floats({784, 16}), floats({16}), floats({16, 10}),
                                           floats({10})};
  const auto behind = [&](std::vector<TensorType> types, int lists) {
    for (int i = 0; i < lists; ++i) types.insert(types.end(), parameters.begin(), parameters.end());
    return types;
  };
  const TensorType step{Shape{}, DType::i64}, real = floats({});
  const auto expect_update = [&](const std::shared_ptr<const graph::Op>& op, int moments) {
    expect_few_sectors(op_problem(op, behind({real, real, step}, 2 + moments)));
  };
  expect_update(ops::sgd({4}, {.momentum = 0.9}), 1);
  expect_update(ops::rmsprop({4}, {}), 1);
  expect_update(ops::adam({4}, {}), 2);
  expect_few_sectors(op_problem(ops::accumulate_gradients(4, 2), behind({step, real}, 2)));
  for (double clip : {0.0, 1.0})
    expect_few_sectors(op_problem(ops::gradient_scale({.count = 4, .guards = 1, .clip_norm = clip}),
                                  behind({step, real}, 1)));
}

// A layer with every operand and its gradient, in all candidates: steps of 128 units, of which
// registers hold a part of r.
TEST_F(AccessPattern, RecurrentLayersAreNearIdeal) {
  for (const std::string op : {"lstm", "gru", "gru_reset_after"}) {
    SIMULATOR(simcuda_forget_accesses)();
    for (const char* direction : {"", "_gradient"})
      for (const OpCase& test : CaseTable::global().of(op + direction))
        if (test.name.starts_with("2x2x3->128 initial=true mask=true scale=true"))
          launch(test.problem());
    for (const char* kernel :
         {"forward_persistent_kernel", "backward_persistent_kernel", "forward_step_kernel",
          "backward_step_kernel", "state_rows_kernel", "transposition_kernel"})
      expect_near_ideal(kernel);
  }
}

}  // namespace
}  // namespace engine::test
