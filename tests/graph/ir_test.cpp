// The graph itself: construction, editing, printing, and every rule that the verifier enforces.
#include "graph/ir.h"

#include <gtest/gtest.h>

#include "graph/op.h"
#include "ops/dense.h"
#include "ops/elementwise.h"

namespace engine::graph {
namespace {

const TensorType kVector{{4}, DType::f32};

State parameter(const std::string& name) {
  return {name, kVector, StateRole::parameter};
}

// Runs `body` and returns the message of the error it must throw.
template <class E, class F>
std::string message_of(F&& body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(Graph, TracksUsesOncePerOperand) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  Value* twice = graph.apply(make_add(), {x, x}, "twice");
  EXPECT_EQ(x->uses().size(), 2u);
  Value* y = graph.read(parameter("y"));
  graph.replace_uses(*x, *y);
  EXPECT_TRUE(x->uses().empty());
  EXPECT_EQ(y->uses().size(), 2u);
  EXPECT_EQ(twice->producer().input(0), y);
  EXPECT_EQ(twice->producer().input(1), y);
}

TEST(Graph, EraseRefusesAUsedNode) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  graph.apply(ops::relu(), {x}, "relu");
  EXPECT_THROW(graph.erase(x->producer()), InternalError);
}

TEST(Graph, ShapeErrorsNameTheLayer) {
  Graph graph("g");
  Value* x = graph.read({"x", {{8, 5}, DType::f32}, StateRole::data});
  Value* w = graph.read({"w", {{6, 3}, DType::f32}, StateRole::parameter});
  Value* b = graph.read({"b", {{3}, DType::f32}, StateRole::parameter});
  const std::string message = message_of<ShapeError>([&] {
    graph.apply(ops::dense(), {x, w, b}, "dense_7");
  });
  EXPECT_NE(message.find("dense_7"), std::string::npos) << message;
  EXPECT_NE(message.find("5 features against 6"), std::string::npos) << message;
}

TEST(Graph, PrintsEveryNodeWithTypesAndLabels) {
  Graph graph("demo");
  Value* x = graph.read(parameter("x"));
  graph.assign(parameter("x"), graph.apply(ops::relu(), {x}, "relu_1"));
  EXPECT_EQ(graph.to_string(),
            "graph demo {\n"
            "  %0 = state_read {state=x} () : f32[4]  // x\n"
            "  %1 = relu (%0) : f32[4]  // relu_1\n"
            "  state_assign {state=x} (%1)  // x\n"
            "}\n");
}

TEST(Graph, AStateHasOneDeclaration) {
  Graph graph("g");
  graph.read(parameter("x"));
  EXPECT_THROW(graph.read({"x", {{5}, DType::f32}, StateRole::parameter}), UsageError);
  EXPECT_THROW(graph.read({"x", kVector, StateRole::data}), UsageError);
  EXPECT_EQ(graph.states().size(), 1u);
}

TEST(Verify, AcceptsReadComputeAssign) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  graph.assign(parameter("x"), graph.apply(ops::relu(), {x}, "relu"));
  EXPECT_NO_THROW(graph.verify());
}

TEST(Verify, RejectsAReadAfterTheAssignment) {
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  graph.assign(parameter("x"), graph.apply(ops::relu(), {x}, "relu"));
  graph.read(parameter("x"));
  const std::string message = message_of<InternalError>([&] { graph.verify(); });
  EXPECT_NE(message.find("reads state 'x' after its assignment"), std::string::npos) << message;
}

TEST(Verify, RejectsAUseOfTheOldValueAfterTheAssignment) {
  // What a backward-data scheduled behind the optimizer would do.
  Graph graph("g");
  Value* x = graph.read(parameter("x"));
  graph.assign(parameter("x"), graph.apply(ops::relu(), {x}, "update"));
  graph.apply(make_add(), {x, x}, "late");
  const std::string message = message_of<InternalError>([&] { graph.verify(); });
  EXPECT_NE(message.find("'late'"), std::string::npos) << message;
  EXPECT_NE(message.find("old value of state 'x'"), std::string::npos) << message;
}

TEST(Verify, RejectsTwoAssignments) {
  Graph graph("g");
  Value* y = graph.apply(ops::relu(), {graph.read(parameter("x"))}, "relu");
  graph.assign(parameter("z"), y);
  graph.assign(parameter("z"), y);
  EXPECT_THROW(graph.verify(), InternalError);
}

TEST(Verify, RejectsAssigningConstantsAndData) {
  for (StateRole role : {StateRole::constant, StateRole::data}) {
    Graph graph("g");
    Value* y = graph.apply(ops::relu(), {graph.read(parameter("x"))}, "relu");
    graph.assign({"fixed", kVector, role}, y);
    EXPECT_THROW(graph.verify(), InternalError);
  }
}

TEST(Verify, RejectsAnInPlaceOutputWhoseInputLivesOn) {
  Graph graph("g");
  Value* x = graph.apply(ops::relu(), {graph.read(parameter("x"))}, "first");
  Node& second = graph.add(ops::relu(), {x}, "second");
  graph.apply(make_add(), {x, second.output()}, "third");
  second.set_in_place(0, 0);
  const std::string message = message_of<InternalError>([&] { graph.verify(); });
  EXPECT_NE(message.find("which a later node reads"), std::string::npos) << message;
}

}  // namespace
}  // namespace engine::graph
