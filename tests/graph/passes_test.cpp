// Each rewrite: what it changes, what it must leave alone, that its switch works, and that results
// are the same with and without it.
#include "graph/passes/pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/op.h"
#include "ops/binary.h"
#include "ops/convolution.h"
#include "ops/dense.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/gather.h"
#include "ops/movement.h"
#include "ops/pool.h"
#include "ops/registry.h"
#include "tests/support/interpreter.h"

namespace engine::graph {
namespace {

const TensorType kVector{{4}, DType::f32};

State parameter(const std::string& name) {
  return {name, kVector, StateRole::parameter};
}
State output(const std::string& name) {
  return {name, kVector, StateRole::output};
}

std::vector<std::string> op_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes()) names.push_back(node->op().name());
  return names;
}

std::size_t count(const Graph& graph, const std::string& op) {
  const auto names = op_names(graph);
  return static_cast<std::size_t>(std::count(names.begin(), names.end(), op));
}

const PassReport& report_of(const std::vector<PassReport>& reports, const std::string& pass) {
  return *std::find_if(reports.begin(), reports.end(),
                       [&](const PassReport& report) { return report.pass == pass; });
}

TEST(CommonSubexpressions, MergesEqualNodesAndKeepsResults) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* a = graph.apply(ops::relu(), {x}, "a");
  Value* b = graph.apply(ops::relu(), {graph.read(parameter("x"))}, "b");
  graph.assign(output("sum"), graph.apply(make_add(), {a, b}, "sum"));
  EXPECT_EQ(common_subexpressions_pass().run(graph).size(), 2u);  // the read and the relu
  graph.verify();
  EXPECT_EQ(count(graph, "relu"), 1u);
  test::HostStates states{{"x", test::host_tensor(kVector, {-1, 2, 3, -4})}};
  initialize();
  test::interpret(graph, states);
  EXPECT_EQ(states.at("sum").values, (std::vector<double>{0, 4, 6, 0}));
}

TEST(CommonSubexpressions, KeepsDifferentDrawsApart) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* step = graph.read({"step", {{}, DType::i64}, StateRole::counter});
  graph.apply(ops::dropout({0.5, {1, 2}}), {x, step}, "a");
  graph.apply(ops::dropout({0.5, {1, 3}}), {x, step}, "b");
  EXPECT_TRUE(common_subexpressions_pass().run(graph).empty());
}

TEST(DeadCode, RemovesWholeUnusedBranches) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* unused = graph.apply(ops::relu(), {graph.read(parameter("y"))}, "unused");
  graph.apply(make_add(), {unused, x}, "also unused");
  graph.assign(output("kept"), graph.apply(ops::relu(), {x}, "kept"));
  EXPECT_EQ(dead_code_pass().run(graph).size(), 3u);
  EXPECT_EQ(op_names(graph), (std::vector<std::string>{"state_read", "relu", "state_assign"}));
}

TEST(InPlace, TakesOverADyingOperandOnly) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* a = graph.apply(ops::relu(), {x}, "a");
  Node& b = graph.add(ops::relu(), {a}, "b");
  Node& c = graph.add(ops::relu(), {b.output()}, "c");
  graph.assign(output("out"), graph.apply(make_add(), {b.output(), c.output()}, "sum"));
  in_place_pass().run(graph);
  graph.verify();
  EXPECT_EQ(b.in_place()[0], 0);                        // a dies at b
  EXPECT_EQ(c.in_place()[0], kNotInPlace);              // b lives on
  EXPECT_EQ(a->producer().in_place()[0], kNotInPlace);  // x is a state of another name
}

TEST(InPlace, OverwritesAStateWithItsOwnNextValueOnly) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* y = graph.read(parameter("y"));
  Node& next_x = graph.add(ops::relu(), {x}, "next x");
  Node& from_y = graph.add(ops::relu(), {y}, "from y");
  graph.assign(parameter("x"), next_x.output());
  graph.assign(output("out"), from_y.output());
  in_place_pass().run(graph);
  graph.verify();
  EXPECT_EQ(next_x.in_place()[0], 0);
  EXPECT_EQ(from_y.in_place()[0], kNotInPlace);
}

TEST(InPlace, WaitsForEveryReaderOfTheState) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* other_read = graph.read(parameter("x"));
  Node& next = graph.add(ops::relu(), {x}, "next");
  Value* late = graph.apply(ops::relu(), {other_read}, "late reader");
  graph.assign(parameter("x"), next.output());
  graph.assign(output("late"), late);
  in_place_pass().run(graph);
  graph.verify();
  EXPECT_EQ(next.in_place()[0], kNotInPlace);
}

TEST(InPlace, LeavesAValueThatAStateKeepsAlone) {
  Graph graph("g");
  Value* kept = graph.apply(ops::relu(), {graph.read(parameter("x"))}, "kept");
  graph.assign(output("kept"), kept);
  Node& next = graph.add(ops::relu(), {kept}, "next");
  graph.assign(output("next"), next.output());
  in_place_pass().run(graph);
  EXPECT_EQ(next.in_place()[0], kNotInPlace);
}

// dense, relu, drop-out in a row; `second_reader` also reads the relu's input.
Graph dense_chain(bool second_reader) {
  Graph graph("g");
  Value* x = graph.read({"x", {{3, 5}, DType::f32}, StateRole::data});
  Value* w = graph.read({"w", {{5, 4}, DType::f32}, StateRole::parameter});
  Value* b = graph.read({"b", {{4}, DType::f32}, StateRole::parameter});
  Value* step = graph.read({"step", {{}, DType::i64}, StateRole::counter});
  Value* z = graph.apply(ops::dense(), {x, w, b}, "dense");
  Value* y = graph.apply(ops::relu(), {z}, "relu");
  Value* d = graph.apply(ops::dropout({0.5, {3, 4}}), {y, step}, "dropout");
  const TensorType type = d->type();
  if (second_reader) d = graph.apply(make_add(), {d, z}, "sum");
  graph.assign({"out", type, StateRole::output}, d);
  return graph;
}

TEST(FuseDenseEpilogue, FoldsReluAndDropoutWithTheSameResult) {
  initialize();
  Graph fused = dense_chain(false);
  const auto reports = run_passes(fused, Stage::forward);
  EXPECT_EQ(count(fused, "relu") + count(fused, "dropout"), 0u);
  EXPECT_EQ(count(fused, "dense"), 1u);
  EXPECT_EQ(report_of(reports, "fuse-dense-epilogue").rewrites.size(), 2u);

  test::HostStates states{{"x", test::random_tensor({{3, 5}, DType::f32}, -1, 1, 1)},
                          {"w", test::random_tensor({{5, 4}, DType::f32}, -1, 1, 2)},
                          {"b", test::random_tensor({{4}, DType::f32}, -1, 1, 3)}};
  test::HostStates plain_states = states;
  const Graph plain = dense_chain(false);
  test::interpret(plain, plain_states);
  test::interpret(fused, states);
  EXPECT_EQ(states.at("out").values, plain_states.at("out").values);
}

TEST(FuseDenseEpilogue, LeavesAProductWithASecondReaderAlone) {
  initialize();
  Graph graph = dense_chain(true);
  run_passes(graph, Stage::forward);
  EXPECT_EQ(count(graph, "relu"), 1u);
}

// max_pool, relu, drop-out in a row.
Graph pool_chain() {
  Graph graph("g");
  PoolAttributes pool;
  pool.extents = pool.window.stride = {1, 2, 2};
  Value* x = graph.read({"x", {{2, 3, 4, 6}, DType::f32}, StateRole::data});
  Value* step = graph.read({"step", {{}, DType::i64}, StateRole::counter});
  Value* y =
      graph.apply(ops::relu(), {graph.add(ops::max_pool(pool), {x}, "pool").output()}, "relu");
  y = graph.apply(ops::dropout({0.5, {3, 4}}), {y, step}, "dropout");
  graph.assign({"out", y->type(), StateRole::output}, y);
  return graph;
}

TEST(FusePoolEpilogue, FoldsReluAndDropoutWithTheSameResult) {
  initialize();
  Graph fused = pool_chain();
  const auto reports = run_passes(fused, Stage::forward);
  EXPECT_EQ(count(fused, "relu") + count(fused, "dropout"), 0u);
  EXPECT_EQ(count(fused, "max_pool"), 1u);
  EXPECT_EQ(report_of(reports, "fuse-pool-epilogue").rewrites.size(), 2u);
  Graph plain = pool_chain();
  run_passes(plain, Stage::forward, {"fuse-pool-epilogue"});
  EXPECT_EQ(count(plain, "relu"), 1u);

  test::HostStates states{{"x", test::random_tensor({{2, 3, 4, 6}, DType::f32}, -1, 1, 1)}};
  test::HostStates plain_states = states;
  test::interpret(plain, plain_states);
  test::interpret(fused, states);
  EXPECT_EQ(states.at("out").values, plain_states.at("out").values);
}

// x + v repeated along the rows, then that times both of two operands repeated to its shape.
Graph repeated_operands() {
  Graph graph("g");
  const TensorType matrix{{3, 4}, DType::f32}, column{{3, 1}, DType::f32};
  const auto repeat = [&](Value* value) {
    return graph.apply(ops::broadcast(matrix.shape), {value}, "repeat");
  };
  Value* v = graph.read({"v", kVector});
  Value* sum = graph.apply(ops::add(), {repeat(v), graph.read({"x", matrix})}, "sum");
  Value* alone = graph.apply(ops::multiply(), {repeat(v), repeat(v)}, "alone");
  Value* outer =
      graph.apply(ops::multiply(), {repeat(graph.read({"c", column})), repeat(v)}, "outer");
  graph.assign({"sum", matrix, StateRole::output}, sum);
  graph.assign({"alone", matrix, StateRole::output}, alone);
  graph.assign({"outer", matrix, StateRole::output}, outer);
  return graph;
}

TEST(FoldBroadcasts, ReadsWhatIsRepeatedAsLongAsTheResultIsTheSame) {
  initialize();
  Graph folded = repeated_operands(), plain = repeated_operands();
  const auto reports = run_passes(folded, Stage::step, {"common-subexpressions"});
  EXPECT_EQ(report_of(reports, "fold-broadcasts").rewrites.size(), 4u);
  EXPECT_EQ(count(folded, "broadcast"), 1u);  // one of `alone` stays: its product is no vector
  run_passes(plain, Stage::step, {"fold-broadcasts", "common-subexpressions"});
  EXPECT_EQ(count(plain, "broadcast"), 5u);

  test::HostStates states{{"x", test::random_tensor({{3, 4}, DType::f32}, -1, 1, 1)},
                          {"v", test::random_tensor(kVector, -1, 1, 2)},
                          {"c", test::random_tensor({{3, 1}, DType::f32}, -1, 1, 3)}};
  test::HostStates plain_states = states;
  test::interpret(plain, plain_states);
  test::interpret(folded, states);
  for (const char* output : {"sum", "alone", "outer"})
    EXPECT_EQ(states.at(output).values, plain_states.at(output).values) << output;
}

// relu, max_pool of overlapping windows.
Graph relu_then_pool() {
  Graph graph("g");
  PoolAttributes pool;
  pool.extents = {1, 2, 2};
  const TensorType type{{1, 2, 4, 5}, DType::f32};
  Value* x = graph.apply(ops::relu(), {graph.read({"x", type})}, "relu");
  Value* y = graph.add(ops::max_pool(pool), {x}, "pool").output();
  graph.assign({"out", y->type(), StateRole::output}, y);
  return graph;
}

TEST(PoolBeforeRelu, GivesTheSameOnTiesZerosAndNan) {
  initialize();
  Graph moved = relu_then_pool(), plain = relu_then_pool();
  EXPECT_EQ(report_of(run_passes(moved, Stage::forward, {"fuse-pool-epilogue"}), "pool-before-relu")
                .rewrites.size(),
            1u);
  run_passes(plain, Stage::forward, {"pool-before-relu"});
  const auto place = [](const Graph& graph, const std::string& op) {
    const auto names = op_names(graph);
    return std::find(names.begin(), names.end(), op) - names.begin();
  };
  EXPECT_LT(place(moved, "max_pool"), place(moved, "relu"));
  EXPECT_LT(place(plain, "relu"), place(plain, "max_pool"));

  ReferenceTensor x = test::random_tensor({{1, 2, 4, 5}, DType::f32}, -1, 1, 3);
  x.values[7] = std::numeric_limits<double>::quiet_NaN();
  x.values[20] = x.values[21] = 0.5;  // a tie
  x.values[27] = -0.0;
  x.values[30] = std::numeric_limits<double>::infinity();
  test::HostStates states{{"x", x}}, plain_states = states;
  test::interpret(moved, states);
  test::interpret(plain, plain_states);
  const auto &got = states.at("out").values, &expected = plain_states.at("out").values;
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(std::isnan(got[i]), std::isnan(expected[i])) << i;
    if (!std::isnan(expected[i])) {
      EXPECT_EQ(got[i], expected[i]) << i;
    }
    EXPECT_EQ(std::signbit(got[i]), std::signbit(expected[i])) << i;
  }
}

// Two convolutions, ReLU, pooling and drop-out, then a dense layer.
Graph small_vgg() {
  Graph graph("g");
  Value* data = graph.read({"data", {{6, 3, 8, 8}, DType::u8}, StateRole::data});
  Value* rows = graph.read({"rows", {{2}, DType::i32}, StateRole::data});
  Value* step = graph.read({"step", {{}, DType::i64}, StateRole::counter});
  Value* x = graph.apply(ops::gather_normalized({.scale = {0.01}}), {data, rows}, "gather");
  const auto convolve = [&](const std::string& name, std::int64_t inputs, std::int64_t outputs) {
    ConvolutionAttributes attributes;
    attributes.window.padding_before = attributes.window.padding_after = {0, 1, 1};
    x = graph.apply(ops::convolution(attributes),
                    {x, graph.read({name + "/w", {{outputs, inputs, 3, 3}, DType::f32}}),
                     graph.read({name + "/b", {{outputs}, DType::f32}})},
                    name);
  };
  convolve("first", 3, 4);
  x = graph.apply(ops::relu(), {x}, "relu_1");
  convolve("second", 4, 5);
  x = graph.apply(ops::relu(), {x}, "relu_2");
  PoolAttributes pool;
  pool.extents = pool.window.stride = {1, 2, 2};
  x = graph.add(ops::max_pool(pool), {x}, "pool").output();
  x = graph.apply(ops::dropout({0.5, {3, 4}}), {x, step}, "dropout");
  x = graph.apply(ops::reshape({2, 80}), {x}, "flatten");
  x = graph.apply(
      ops::dense(),
      {x, graph.read({"w", {{80, 3}, DType::f32}}), graph.read({"b", {{3}, DType::f32}})}, "dense");
  graph.assign({"out", x->type(), StateRole::output}, x);
  return graph;
}

TEST(ChannelsLast, ConvertsOnceBetweenConvolutionsAndDense) {
  initialize();
  Graph graph = small_vgg(), plain = small_vgg();
  const auto reports = run_passes(graph, Stage::forward);
  EXPECT_EQ(report_of(reports, "channels-last").rewrites.size(), 2u);  // gathered, converted back
  EXPECT_EQ(count(graph, "to_layout"), 1u);
  EXPECT_EQ(count(graph, "gather"), 1u);
  for (const auto& node : graph.nodes())
    if (node->op().name() == "convolution" || node->op().name() == "max_pool") {
      EXPECT_EQ(node->output()->type().layout, Layout::channels_last) << node->label();
    }
  run_passes(plain, Stage::forward, {"channels-last"});
  EXPECT_EQ(count(plain, "to_layout"), 0u);

  test::HostStates states;
  for (const State& state : graph.states())
    if (state.role != StateRole::output)
      states[state.name] = test::random_tensor(state.type, 0, 3, states.size() + 1);
  test::HostStates plain_states = states;
  test::interpret(graph, states);
  test::interpret(plain, plain_states);
  EXPECT_EQ(states.at("out").values, plain_states.at("out").values);
}

TEST(Passes, HaveSwitchesThatAreChecked) {
  initialize();
  Graph graph = dense_chain(false);
  const auto reports = run_passes(graph, Stage::forward, {"fuse-dense-epilogue"});
  EXPECT_FALSE(report_of(reports, "fuse-dense-epilogue").enabled);
  EXPECT_EQ(count(graph, "relu"), 1u);
  EXPECT_THROW(run_passes(graph, Stage::forward, {"no-such-pass"}), UsageError);
}

}  // namespace
}  // namespace engine::graph
