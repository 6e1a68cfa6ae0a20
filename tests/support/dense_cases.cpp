// Cases of dense and its gradients: shapes around the tiles of products, and those of the models.
#include "kernels/dense.h"

#include <fmt/format.h>

#include <array>

#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Product {
  std::int64_t batch, inputs, outputs;
  bool large() const { return batch * inputs * outputs > 4000000; }
  std::string name() const { return fmt::format("{}x{}x{}", batch, inputs, outputs); }
};

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

OpCase dense_case(const Product& n, const Variant& variant, const InputDraw& x,
                  const InputDraw& w) {
  const DenseAttributes attributes{variant.activation, {variant.rate, kKey}};
  std::vector<TensorType> inputs{f32({n.batch, n.inputs}), f32({n.inputs, n.outputs}),
                                 f32({n.outputs})};
  std::vector<InputDraw> draws{x, w, w};
  if (variant.rate > 0) {
    inputs.push_back(kScalarI64);
    draws.push_back(kStep);
  }
  const bool whole = x.kind == Kind::integers && w.kind == Kind::integers;
  return {fmt::format("{} {}{}", n.name(), variant.name(),
                      whole                      ? " integers"
                      : x.kind == Kind::specials ? " specials"
                                                 : ""),
          make("dense", attributes.to_attributes(), inputs, {f32({n.batch, n.outputs})}), draws,
          whole && (variant.rate == 0 || variant.rate == 0.5), n.large()};
}

}  // namespace

Cases dense_cases() {
  constexpr std::array<Variant, 4> variants{{{Activation::none, 0},
                                             {Activation::relu, 0},
                                             {Activation::relu, 0.2},
                                             {Activation::none, 0.5}}};
  Cases cases;
  for (const Product& n : kProducts)
    for (const Variant& variant : variants) {
      const bool whole = variant.rate == 0.5 || variant.activation == Activation::none;
      const InputDraw draw = whole ? kSmallIntegers : kReals;
      cases.push_back(dense_case(n, variant, draw, draw));
    }
  for (const Variant& variant : variants)
    cases.push_back(dense_case({40, 3, 19}, variant, kSpecials, kReals));
  // Terms of one sign: rounding errors grow the most.
  const InputDraw positive{Kind::reals, 0.5, 1};
  cases.push_back(dense_case({33, 500, 20}, variants[0], positive, positive));
  cases.back().name += " positive";
  return cases;
}

Cases dense_gradient_cases(bool of_weights) {
  Cases cases;
  for (const Product& n : kProducts)
    for (const InputDraw& draw : {kSmallIntegers, kReals}) {
      const TensorType x = f32({n.batch, n.inputs}), w = f32({n.inputs, n.outputs});
      const TensorType z = f32({n.batch, n.outputs});
      const Problem problem = of_weights
                                  ? make("dense_weight_gradient", {}, {x, z}, {w, f32({n.outputs})})
                                  : make("dense_input_gradient", {}, {z, w}, {x});
      cases.push_back({n.name() + (draw.kind == Kind::reals ? " reals" : " integers"),
                       problem,
                       {draw, draw},
                       draw.kind == Kind::integers,
                       n.large()});
    }
  return cases;
}

}  // namespace engine::test
