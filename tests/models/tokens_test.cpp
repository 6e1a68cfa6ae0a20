// Tokens on their way from data to a network: as i32 and unscaled, resident and streamed, to the
// last, partial batch.
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "models/data/memory.h"
#include "models/train/evaluator.h"
#include "ops/gather.h"
#include "ops/movement.h"

namespace engine {
namespace {

constexpr std::int64_t kVocabulary = 50;
constexpr const char* kTable = "lookup/table";

// Makes numbers of tokens by a table that is not trained.
class Lookup final : public Layer {
 public:
  Lookup() : Layer("lookup") {}
  std::string description() const override { return "lookup"; }
  bool takes_bf16() const override { return true; }
  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const Shape shape = x->type().shape;
    graph::Value* table = builder.statistic(kTable, Shape{kVocabulary, 1}, 0);
    graph::Value* tokens =
        builder.graph().apply(ops::reshape(Shape{shape.element_count()}), {x}, "lookup/tokens");
    graph::Value* rows =
        builder.graph().apply(ops::gather_normalized({}), {table, tokens}, "lookup/rows");
    return builder.graph().apply(ops::reshape(shape), {rows}, "lookup");
  }
};

TEST(Tokens, ReachTheNetworkAsTheyAre) {
  constexpr std::int64_t kLength = 3, kTrainRows = 2, kTestRows = 11, kBatch = 4;
  std::vector<std::int32_t> tokens(kTestRows * kLength);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>(i * 7 % kVocabulary);
  ArrayPart training{std::vector<std::int32_t>(kTrainRows * kLength),
                     std::vector<std::uint8_t>(kTrainRows)};
  ArrayPart test{tokens, std::vector<std::uint8_t>(kTestRows)};
  const auto data = make_dataset(Shape{kLength}, 2, training, test, kVocabulary);
  ModelDefinition model{"lookup", "", Network(Shape{kLength})};
  model.network.add(std::make_shared<Lookup>());
  model.batch = kBatch;
  std::vector<float> table(kVocabulary);
  std::iota(table.begin(), table.end(), 0.0f);
  for (bool stream : {false, true}) {
    RuntimeOptions options;
    options.device = "cpu";
    options.tuner.mode = Autotune::off;
    Runtime runtime(options);
    Predictor predictor(runtime, model, *data, Part::test, {}, stream);
    runtime.allocate();
    runtime.store().upload(kTable, table.data(), runtime.stream());
    predictor.load(runtime, 1);
    std::vector<float> seen;
    predictor.run(runtime, kTestRows, [&](std::int64_t, std::span<const float> outputs) {
      seen.insert(seen.end(), outputs.begin(), outputs.end());
    });
    EXPECT_EQ(seen, std::vector<float>(tokens.begin(), tokens.end())) << stream;
  }
}

}  // namespace
}  // namespace engine
