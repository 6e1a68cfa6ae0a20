// Shapes, dtypes, tensor types, attributes, problem keys.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "engine/core/attributes.h"
#include "engine/core/dtype.h"
#include "engine/core/error.h"
#include "engine/core/shape.h"
#include "engine/core/tensor.h"
#include "engine/tune/problem.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 40;

TEST(Shape, ExtentsAndCounts) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.element_count(), 24);
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[-1], 4);
  EXPECT_EQ(shape.elements_after(0), 12);
  EXPECT_EQ(shape.elements_after(2), 1);
  EXPECT_EQ(shape.to_string(), "[2, 3, 4]");
  EXPECT_EQ(shape, (Shape{2, 3, 4}));
  EXPECT_NE(shape, (Shape{2, 3}));
}

TEST(Shape, ScalarsAndEmptyTensors) {
  EXPECT_EQ(Shape{}.element_count(), 1);
  EXPECT_EQ(Shape{}.to_string(), "[]");
  EXPECT_EQ((Shape{3, 0, 5}).element_count(), 0);
}

TEST(Shape, RefusesWhatCannotBe) {
  EXPECT_THROW_WITH((Shape{2, -1}), ShapeError, "negative extent");
  EXPECT_THROW_WITH((Shape{kHuge, kHuge}), ShapeError, "does not fit 64 bits");
  EXPECT_THROW_WITH((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError, "rank 9");
  EXPECT_THROW_WITH((Shape{2, 3}[2]), ShapeError, "axis 2");
  EXPECT_THROW((Shape{2, 3}[-3]), ShapeError);
}

TEST(Shape, CheckedMultiply) {
  EXPECT_EQ(checked_multiply(kHuge, 1 << 22, "bytes"), kHuge << 22);
  EXPECT_THROW_WITH(checked_multiply(kHuge, kHuge, "bytes"), ShapeError, "bytes");
}

TEST(TensorType, BytesAndText) {
  const TensorType type{{128, 784}, DType::f32};
  EXPECT_EQ(type.bytes(), 128u * 784u * 4u);
  EXPECT_EQ(type.to_string(), "f32[128, 784]");
  const TensorType huge{{std::numeric_limits<std::int64_t>::max() / 4}, DType::f64};
  EXPECT_THROW(huge.bytes(), ShapeError);
}

TEST(TensorView, AccessAsAnotherDtypeIsABug) {
  float value = 1;
  const TensorView view{{{}, DType::f32}, &value};
  EXPECT_EQ(*view.as<float>(), 1);
  EXPECT_THROW(view.as<double>(), InternalError);
}

TEST(BFloat16, RoundsToNearestEvenAndKeepsNan) {
  const auto round = [](float value) { return static_cast<float>(bfloat16(value)); };
  EXPECT_EQ(round(1.0f), 1.0f);
  EXPECT_EQ(round(1.0f + 0x1p-8f), 1.0f);                // a tie, to the even one below
  EXPECT_EQ(round(1.0f + 3 * 0x1p-8f), 1.0f + 0x1p-6f);  // a tie, to the even one above
  EXPECT_EQ(round(1.0f + 0x1.1p-8f), 1.0f + 0x1p-7f);
  EXPECT_EQ(round(-3.0e38f), -0x1.c4p127f);
  EXPECT_EQ(round(std::numeric_limits<float>::max()), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(round(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(round(std::numeric_limits<float>::signaling_NaN())));
  EXPECT_TRUE(std::signbit(round(-0.0f)));
}

TEST(DType, NamesRoundTripAndSizesMatch) {
  for (DType dtype :
       {DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64, DType::u8, DType::u32}) {
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), dtype);
    visit_dtype(dtype, "test", [&](auto zero) {
      EXPECT_EQ(dtype_size(dtype), sizeof zero);
      EXPECT_EQ(dtype_of<decltype(zero)>, dtype);
      using T = decltype(zero);
      EXPECT_EQ(is_floating(dtype), (std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>));
    });
  }
  EXPECT_THROW_WITH(dtype_from_name("f16"), UsageError, "'f16'");
  EXPECT_THROW_WITH(visit_dtype(static_cast<DType>(99), "gelu", [](auto) {}), InternalError,
                    "gelu");
}

TEST(Attributes, SetGetPrintCompare) {
  Attributes attributes;
  attributes.set("units", std::int64_t{512}).set("rate", 0.2).set("bias", true);
  attributes.set("activation", std::string("relu")).set_untuned("key", std::int64_t{-7});
  EXPECT_EQ(attributes.integer("units"), 512);
  EXPECT_EQ(attributes.real("rate"), 0.2);
  EXPECT_TRUE(attributes.flag("bias"));
  EXPECT_EQ(attributes.text("activation"), "relu");
  EXPECT_EQ(attributes.to_string(), "units=512 rate=0.2 bias=true activation=relu key=-7");
  EXPECT_EQ(attributes.tuned_string(), "units=512 rate=0.2 bias=true activation=relu");

  Attributes other = attributes;
  EXPECT_EQ(other, attributes);
  other.set("units", std::int64_t{10});
  EXPECT_NE(other, attributes);
  EXPECT_EQ(other.to_string(), "units=10 rate=0.2 bias=true activation=relu key=-7");
}

TEST(Attributes, MissingOrOfAnotherTypeIsABug) {
  Attributes attributes;
  attributes.set("units", std::int64_t{512});
  EXPECT_FALSE(attributes.has("rate"));
  EXPECT_THROW_WITH(attributes.real("rate"), InternalError, "no attribute 'rate'");
  EXPECT_THROW_WITH(attributes.real("units"), InternalError, "another type");
}

TEST(Problem, KeyHoldsAllThatDecidesAndNothingElse) {
  Problem problem;
  problem.op = "dense";
  problem.attributes.set("activation", std::string("relu")).set_untuned("key", std::int64_t{1});
  problem.inputs = {{{128, 784}, DType::f32}, {{784, 512}, DType::f32}};
  problem.outputs = {{{128, 512}, DType::f32}};
  const std::string key = problem.key();
  EXPECT_EQ(key,
            "v1 dense activation=relu : f32[128, 784] f32[784, 512] -> f32[128, 512] : strict");
  problem.attributes.set_untuned("key", std::int64_t{2});
  EXPECT_EQ(problem.key(), key);
  problem.deterministic = true;
  EXPECT_EQ(problem.key(), key + " deterministic");
}

}  // namespace
}  // namespace engine
