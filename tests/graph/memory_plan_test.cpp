// The memory plan: sharing where lifetimes allow it, never where they do not, state in its own
// place.
#include "graph/memory_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "graph/op.h"
#include "graph/passes/pass.h"
#include "ops/elementwise.h"

namespace engine::graph {
namespace {

constexpr std::size_t kAlignment = 64;
const TensorType kBlock{{16}, DType::f32};  // exactly one alignment unit

State state(const std::string& name, StateRole role = StateRole::parameter) {
  return {name, kBlock, role};
}

TEST(MemoryPlan, AChainNeedsTwoBuffersAndOneInPlace) {
  for (bool in_place : {false, true}) {
    Graph graph("g");
    Value* x = graph.read(state("x"));
    for (int i = 0; i < 6; ++i) x = graph.apply(ops::relu(), {x}, "relu");
    Value* end = graph.apply(make_add(), {x, graph.read(state("x"))}, "end");
    graph.assign(state("out", StateRole::output), end);
    if (in_place) in_place_pass().run(graph);
    EXPECT_EQ(plan_memory(graph, {}, kAlignment).arena_bytes,
              in_place ? kAlignment : 2 * kAlignment);
  }
}

TEST(MemoryPlan, OutputsAreComputedInTheirState) {
  Graph graph("g");
  Value* y = graph.apply(ops::relu(), {graph.read(state("x"))}, "relu");
  graph.assign(state("out", StateRole::output), y);
  const MemoryPlan plan = plan_memory(graph, {}, kAlignment);
  EXPECT_EQ(plan.arena_bytes, 0u);
  ASSERT_NE(plan.placements.at(y).state, nullptr);
  EXPECT_EQ(*plan.placements.at(y).state, "out");
}

TEST(MemoryPlan, AStateStillReadIsNotOverwritten) {
  // The next value of x exists before the last reader of the old one runs: it must wait elsewhere.
  Graph graph("g");
  Value* x = graph.read(state("x"));
  Value* next = graph.apply(ops::relu(), {x}, "next");
  Value* late = graph.apply(make_add(), {x, next}, "late");
  graph.assign(state("x"), next);
  graph.assign(state("out", StateRole::output), late);
  const MemoryPlan plan = plan_memory(graph, {}, kAlignment);
  EXPECT_EQ(plan.placements.at(next).state, nullptr);
}

TEST(MemoryPlan, WorkspaceLivesForItsNodeOnly) {
  Graph graph("g");
  Node& a = graph.add(ops::relu(), {graph.read(state("x"))}, "a");
  Node& b = graph.add(ops::relu(), {a.output()}, "b");
  Value* end = graph.apply(make_add(), {b.output(), b.output()}, "end");
  graph.assign(state("out", StateRole::output), end);
  const MemoryPlan plan = plan_memory(graph, {{&a, 4096}, {&b, 4096}}, kAlignment);
  EXPECT_LE(plan.arena_bytes, 4096 + 2 * kAlignment);
  EXPECT_EQ(plan.workspaces.size(), 2u);
}

TEST(MemoryPlan, RandomGraphsNeverOverlap) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 50; ++trial) {
    Graph graph("random");
    std::unordered_map<const Node*, std::size_t> workspace;
    std::vector<Value*> values{graph.read(state("x"))};
    for (int i = 0; i < 30; ++i) {
      Value* a = values[random() % values.size()];
      Value* b = values[random() % values.size()];
      Node& node = random() % 3 == 0 ? graph.add(ops::relu(), {a}, "relu")
                                     : graph.add(make_add(), {a, b}, "add");
      workspace[&node] = random() % 2 * (random() % 1000);
      values.push_back(node.output());
    }
    graph.assign(state("out", StateRole::output), values.back());
    in_place_pass().run(graph);
    graph.verify();
    const MemoryPlan plan = plan_memory(graph, workspace, kAlignment);  // verifies itself
    for (const Lifetime& lifetime : plan.lifetimes) {
      EXPECT_EQ(lifetime.offset % kAlignment, 0u);
      EXPECT_LE(lifetime.offset + lifetime.bytes, plan.arena_bytes);
    }
  }
}

TEST(MemoryPlan, VerifyCatchesAnOverlap) {
  MemoryPlan plan;
  plan.lifetimes = {{"a", 0, 64, 0, 2}, {"b", 32, 64, 2, 3}};
  EXPECT_THROW(plan.verify(), InternalError);
  plan.lifetimes[1].first_step = 3;
  EXPECT_NO_THROW(plan.verify());
}

}  // namespace
}  // namespace engine::graph
