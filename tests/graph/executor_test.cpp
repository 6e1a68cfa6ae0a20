// Programs on real devices: compiled, bound and run, they do what the interpreter does, with every
// rewrite switched off in turn, and many executions enqueued at once equal single ones.
#include "graph/executor.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>

#include "engine/device/backend.h"
#include "graph/compile.h"
#include "graph/op.h"
#include "ops/accumulate_metrics.h"
#include "ops/dense.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "tests/support/interpreter.h"
#include "tests/support/op_case.h"

namespace engine::graph {
namespace {

const State kStep{"step", {{}, DType::i64}, StateRole::counter};
const State kX{"x", {{3, 3}, DType::f32}, StateRole::parameter};
const State kW{"w", {{3, 3}, DType::f32}, StateRole::parameter};
const State kB{"b", {{3}, DType::f32}, StateRole::parameter};
const State kCopy{"copy", {{3, 3}, DType::f32}, StateRole::output};

// x <- relu(x·w + b) + x, with a counter; small integers, so every device computes it exactly.
Graph recurrence() {
  Graph graph("recurrence");
  Value* x = graph.read(kX);
  Value* y = graph.apply(ops::dense(), {x, graph.read(kW), graph.read(kB)}, "dense");
  Value* next = graph.apply(make_add(), {graph.apply(ops::relu(), {y}, "relu"), x}, "next");
  Node& count = graph.add(ops::accumulate_metrics({}), {graph.read(kStep)}, "count");
  graph.assign(kX, next);
  graph.assign(kCopy, next);
  graph.assign(kStep, count.output());
  return graph;
}

test::HostStates initial_states() {
  return {{"x", test::random_tensor(kX.type, -2, 3, 1)},
          {"w", test::host_tensor(kW.type, {0, 1, 0, 0, 0, -1, 1, 0, 0})},
          {"b", test::host_tensor(kB.type, {1, 0, -1})}};
}

class ExecutorTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(ExecutorTest, EqualsTheInterpreter) {
  initialize();
  const auto& [device_name, pass_off] = GetParam();
  const auto device = open_device(device_name);
  const auto stream = device->make_stream();
  AlgorithmCache cache;
  Tuner tuner(*device, cache, {.mode = Autotune::off, .candidates = {}, .progress = {}});
  CompileOptions options;
  if (!pass_off.empty()) options.passes_off = {pass_off};
  const Program program = compile(recurrence(), *device, tuner, options);

  StateStore store(*device);
  for (const State& state : program.graph.states()) store.add(state, *stream);
  test::HostStates states = initial_states();
  for (auto& [name, tensor] : states) {
    std::vector<std::byte> bytes(tensor.type.bytes());
    for (double& value : tensor.values) value = std::floor(value);
    narrow(tensor, bytes.data());
    store.upload(name, bytes.data(), *stream);
  }
  const Buffer arena(*device, program.plan.arena_bytes);
  Executor executor(program, store, arena.data());
  int done = 0;
  for (int times : {1, 1, 17, 0}) {
    executor.run(*stream, times);
    done += times;
  }
  const Graph reference = recurrence();
  for (int i = 0; i < done; ++i) test::interpret(reference, states);

  for (const State& state : {kX, kCopy, kStep}) {
    std::vector<std::byte> bytes(state.type.bytes());
    store.download(state.name, bytes.data(), *stream);
    EXPECT_EQ(widen(state.type, bytes.data()).values, states.at(state.name).values) << state.name;
  }
  EXPECT_EQ(states.at("step").values[0], done);
}

INSTANTIATE_TEST_SUITE_P(Devices, ExecutorTest,
                         testing::Combine(testing::ValuesIn(test::test_devices()),
                                          testing::Values("", "in-place", "dead-code",
                                                          "common-subexpressions")),
                         [](const auto& test) {
                           std::string name =
                               std::get<0>(test.param) + "_" + std::get<1>(test.param);
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace engine::graph
