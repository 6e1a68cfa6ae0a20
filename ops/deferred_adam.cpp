#include "ops/deferred_adam.h"

#include <fmt/format.h>

#include "kernels/deferred_adam.h"
#include "ops/expect.h"
#include "ops/registry.h"
#include "ops/sparse_embedding.h"

namespace engine::ops {
namespace {

using Types = std::span<const TensorType>;

const TensorType kCount{Shape{}, DType::i32};

// The rule's attributes, and nothing of the list of tensors that the node had.
Attributes rule_attributes(const Attributes& adam) {
  Attributes attributes;
  for (const char* name : {"beta1", "beta2", "epsilon", "weight_decay", "clip_value"})
    attributes.set_untuned(name, adam.real(name));
  attributes.set_untuned("decoupled", adam.flag("decoupled"));
  if (adam.integer("every") != 1)
    throw UsageError(fmt::format("deferred Adam with an update every {} steps, expected each",
                                 adam.integer("every")));
  return attributes.set_untuned("every", std::int64_t{1});
}

void expect_tables(Types inputs, std::size_t first, const TensorType& type, const char* what) {
  for (std::size_t j = 0; j < kDeferredTables; ++j) expect(inputs[first + j], type, what);
}

class DeferredAdamOp : public graph::Op {
 public:
  DeferredAdamOp(const std::string& name, const Attributes& adam, const DeferredAdamOperands& at)
      : Op(name, rule_attributes(adam)), at_(at) {}

  std::vector<std::pair<std::size_t, std::size_t>> in_place_pairs(
      const graph::Node&) const override {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t input : at_.followed()) pairs.push_back({pairs.size(), input});
    return pairs;
  }

 protected:
  // The table's type, after checks of what all of these ops have.
  TensorType expect_table(Types inputs, std::size_t count) const {
    expect_count(inputs, count);
    const TensorType table = inputs[at_.table];
    expect(table, DType::f32, 2, "the table");
    expect_tables(inputs, at_.table, table, "a moment");
    expect(inputs[at_.recorded], kCount, "the number of recorded updates");
    const TensorType& history = inputs[at_.history];
    expect(history, DType::f32, 2, "the history");
    if (history.shape[0] < 1 || history.shape[1] != 4)
      throw ShapeError(
          fmt::format("the history is {}, expected f32[updates, 4]", history.to_string()));
    expect(inputs[at_.applied], {{table.shape[0]}, DType::i32}, "the applied updates");
    return table;
  }
  // Traffic of `rows` rows of all tables, `times` over.
  std::size_t row_bytes(const graph::Node& node, std::int64_t rows, std::size_t times) const {
    const auto width = static_cast<std::size_t>(node.input(at_.table)->type().shape[1]);
    return times * kDeferredTables * static_cast<std::size_t>(rows) * width * sizeof(float);
  }

  const DeferredAdamOperands at_;
};

class DeferredAdamRowsOp final : public DeferredAdamOp {
 public:
  explicit DeferredAdamRowsOp(const Attributes& adam)
      : DeferredAdamOp("deferred_adam_rows", adam, DeferredAdamOperands::of_rows()) {}
  std::vector<TensorType> infer(Types inputs) const override {
    const TensorType table = expect_table(inputs, at_.table + kDeferredTables);
    expect(inputs[at_.rows], DType::i32, 1, "the numbers of rows");
    const TensorType rows{{inputs[at_.rows].shape[0], table.shape[1]}, DType::f32};
    return {rows, rows, rows};
  }
  std::size_t bytes(const graph::Node& node) const override {
    return row_bytes(node, node.input(at_.rows)->type().shape[0], 2);
  }
};

class DeferredAdamUpdateOp final : public DeferredAdamOp {
 public:
  explicit DeferredAdamUpdateOp(const Attributes& adam)
      : DeferredAdamOp("deferred_adam", adam, DeferredAdamOperands::of_update()) {}
  std::vector<TensorType> infer(Types inputs) const override {
    const TensorType table = expect_table(inputs, at_.current + kDeferredTables);
    expect(inputs[0], {{}, DType::f32}, "the learning rate");
    expect(inputs[1], {{}, DType::f32}, "the gradients' scale");
    expect(inputs[2], {{}, DType::i64}, "the step");
    expect(inputs[at_.rows], {{table.shape[0]}, DType::i32}, "the places");
    const TensorType& gradient = inputs[at_.gradient];
    expect(gradient, DType::f32, 2, "the gradient");
    expect(gradient, {{gradient.shape[0], table.shape[1]}, DType::f32}, "the gradient");
    expect_tables(inputs, at_.current, gradient, "the rows");
    return {kCount, inputs[at_.history], inputs[at_.applied], table, table, table};
  }
  std::size_t bytes(const graph::Node& node) const override {
    const std::int64_t rows = node.input(at_.gradient)->type().shape[0];
    return row_bytes(node, rows, 2) + node.input(at_.gradient)->type().bytes();
  }
};

class DeferredAdamSettleOp final : public DeferredAdamOp {
 public:
  explicit DeferredAdamSettleOp(const Attributes& adam)
      : DeferredAdamOp("deferred_adam_settle", adam, DeferredAdamOperands::of_settle()) {}
  std::vector<TensorType> infer(Types inputs) const override {
    const TensorType table = expect_table(inputs, at_.table + kDeferredTables);
    return {kCount, inputs[at_.applied], table, table, table};
  }
};

}  // namespace

std::shared_ptr<const graph::Op> deferred_adam_rows(const Attributes& attributes) {
  return std::make_shared<DeferredAdamRowsOp>(attributes);
}
std::shared_ptr<const graph::Op> deferred_adam(const Attributes& attributes) {
  return std::make_shared<DeferredAdamUpdateOp>(attributes);
}
std::shared_ptr<const graph::Op> deferred_adam_settle(const Attributes& attributes) {
  return std::make_shared<DeferredAdamSettleOp>(attributes);
}

}  // namespace engine::ops

namespace engine {

void register_deferred_adam_op(OpRegistry& registry) {
  registry.passes.add({"sparse-embedding", "let Adam touch only the rows that a batch uses",
                       graph::Stage::step, 0, ops::defer_embedding_updates});
}

}  // namespace engine
