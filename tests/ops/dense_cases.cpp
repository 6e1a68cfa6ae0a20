// Cases of dense and its gradients: shapes around the tiles of products, and those of the models.
#include <fmt/format.h>
#include <array>
#include <span>

#include "ops/dense.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Product {
  std::int64_t batch, inputs, outputs;
  bool large() const { return batch * inputs * outputs > 4000000; }
  std::string name() const { return fmt::format("{}x{}x{}", batch, inputs, outputs); }
};

constexpr std::int64_t kExactTerms = 10;  ///< of at most 16, with a bias and doubled: below 512

constexpr std::array<Product, 27> kProducts{
    {{0, 5, 3},       {4, 0, 3},      {1, 1, 1},     {1, 7, 1},      {2, 3, 5},
     {1, 64, 10},     {3, 1, 33},     {5, 31, 32},   {6, 32, 16},    {7, 33, 17},
     {16, 16, 16},    {31, 10, 7},    {32, 32, 32},  {33, 65, 31},   {63, 64, 65},
     {64, 63, 64},    {65, 17, 127},  {96, 129, 10}, {100, 20, 1},   {127, 33, 63},
     {128, 64, 128},  {129, 127, 10}, {193, 9, 15},  {128, 512, 10}, {128, 512, 512},
     {128, 784, 512}, {96, 784, 512}}};

struct Variant {
  Activation activation;
  double rate;
  std::string name() const {
    return fmt::format("{}{}", activation == Activation::relu ? "relu" : "linear",
                       rate > 0 ? fmt::format(" drop {}", rate) : "");
  }
};

// Of x's type and of y's.
struct Types {
  DType x = DType::f32, y = DType::f32;
  std::string name() const {
    return x == DType::f32 ? "" : fmt::format(" {} to {}", dtype_name(x), dtype_name(y));
  }
};

OpCase dense_case(const Product& n, const Variant& variant, const InputDraw& x, const InputDraw& w,
                  const Types& types = {}) {
  const bool drops = variant.rate > 0;
  const bool whole = x.kind == Kind::integers && w.kind == Kind::integers;
  OpCase test{
      .name = fmt::format("{} {}{}{}", n.name(), variant.name(), types.name(),
                          whole                      ? " integers"
                          : x.kind == Kind::specials ? " specials"
                                                     : ""),
      .op = ops::dense({variant.activation, {variant.rate, kKey}, types.y}),
      .types = {{{n.batch, n.inputs}, types.x}, f32({n.inputs, n.outputs}), f32({n.outputs})},
      .draws = {x, w, w},
      .exact = whole && (!drops || variant.rate == 0.5),
      .large = n.large(),
      .gradient = types.x == DType::f32 && (n.batch == 2 || n.batch == 1)};
  if (drops) {
    test.types.push_back(kScalarI64);
    test.draws.push_back(kStep);
  }
  return test;
}

void add_gradients(CaseTable& table, const Product& n, const InputDraw& draw, DType dtype) {
  const TensorType x{{n.batch, n.inputs}, dtype}, z{{n.batch, n.outputs}, dtype};
  const TensorType w = f32({n.inputs, n.outputs});
  const bool narrow = dtype == DType::bf16;
  OpCase test{
      .name = fmt::format("{} {}{}", n.name(), draw.kind == Kind::reals ? "reals" : "integers",
                          narrow ? " bf16" : ""),
      .op = ops::dense_weight_gradient(),
      .types = {x, z},
      .draws = {draw, draw},
      .exact = draw.kind == Kind::integers,
      .large = n.large()};
  table.add(test);
  test.op = ops::dense_input_gradient();
  test.exact = test.exact && (!narrow || n.outputs <= kExactTerms);
  test.types = {z, w};
  table.add(test);
}

// What is exact with a bf16 result is a sum of few products of small integers.
void add_bf16(CaseTable& table, std::span<const Variant> variants) {
  for (const Product& n : kProducts)
    for (DType y : {DType::bf16, DType::f32})
      for (const Variant& variant : variants) {
        const bool whole = variant.rate == 0.5 && (y == DType::f32 || n.inputs <= kExactTerms);
        const InputDraw draw = whole ? kSmallIntegers : kReals;
        table.add(dense_case(n, variant, draw, draw, {DType::bf16, y}));
      }
  table.add(dense_case({40, 4, 19}, variants[1], kSpecials, kReals, {DType::bf16, DType::bf16}));
}

}  // namespace

void register_dense_cases(CaseTable& table) {
  constexpr std::array<Variant, 4> variants{{{Activation::none, 0},
                                             {Activation::relu, 0},
                                             {Activation::relu, 0.2},
                                             {Activation::none, 0.5}}};
  for (const Product& n : kProducts)
    for (const Variant& variant : variants) {
      const bool whole = variant.rate == 0.5 || variant.activation == Activation::none;
      const InputDraw draw = whole ? kSmallIntegers : kReals;
      table.add(dense_case(n, variant, draw, draw));
    }
  for (const Variant& variant : variants)
    table.add(dense_case({40, 3, 19}, variant, kSpecials, kReals));
  // Terms of one sign: rounding errors grow the most.
  const InputDraw positive{Kind::reals, 0.5, 1};
  OpCase largest_errors = dense_case({33, 500, 20}, variants[0], positive, positive);
  largest_errors.name += " positive";
  table.add(largest_errors);
  for (const Product& n : kProducts)
    for (const InputDraw& draw : {kSmallIntegers, kReals})
      for (DType dtype : {DType::f32, DType::bf16}) add_gradients(table, n, draw, dtype);
  add_bf16(table, variants);
}

}  // namespace engine::test
