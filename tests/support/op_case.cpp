// The table of cases. Sizes lie around the widths of SIMD registers, warps and tiles, because that
// is where kernels go wrong, and include those of the reference models.
#include "tests/support/op_case.h"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <map>

#include "kernels/accumulate_metrics.h"
#include "kernels/batch_indices.h"
#include "kernels/dropout.h"
#include "kernels/gather.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

constexpr std::array<std::int64_t, 13> kSizes{0,  1,   31,  32,  33,   63,  64,
                                              65, 127, 128, 129, 1000, 4097};

// The shapes of element-wise cases: every size, a tensor of rank four, and a real activation.
std::vector<TensorType> elementwise_types() {
  std::vector<TensorType> types;
  for (std::int64_t size : kSizes) types.push_back(f32({size}));
  types.push_back(f32({3, 5, 7, 11}));
  types.push_back(f32({128, 512}));
  return types;
}

bool is_large(const TensorType& type) {
  return type.element_count() > 20000;
}

Cases add_cases() {
  Cases cases;
  for (const TensorType& type : elementwise_types())
    for (const InputDraw& draw : {kSmallIntegers, kReals})
      cases.push_back({type.to_string() + (draw.kind == Kind::reals ? " reals" : " integers"),
                       make("add", {}, {type, type}, {type}),
                       {draw, draw},
                       draw.kind == Kind::integers,
                       is_large(type)});
  return cases;
}

Cases relu_cases() {
  Cases cases;
  for (const TensorType& type : elementwise_types())
    for (const InputDraw& draw : {kReals, kSpecials})
      cases.push_back({type.to_string() + (draw.kind == Kind::reals ? " reals" : " specials"),
                       make("relu", {}, {type}, {type}),
                       {draw},
                       true,
                       is_large(type)});
  return cases;
}

Cases relu_gradient_cases() {
  Cases cases;
  for (const TensorType& type : elementwise_types())
    for (double scale : {1.0, 1.25})
      for (const InputDraw& draw : {kReals, kSpecials}) {
        if (draw.kind == Kind::specials && type.element_count() % 2 == 0) continue;
        cases.push_back(
            {fmt::format("{} scale {}{}", type.to_string(), scale,
                         draw.kind == Kind::specials ? " specials" : ""),
             make("relu_gradient", Attributes().set("scale", scale), {type, type}, {type}),
             {draw, draw},
             scale == 1,
             is_large(type)});
      }
  return cases;
}

OpCase dropout_case(const TensorType& type, double rate, InputDraw draw, RandomKey key) {
  Attributes attributes;
  DropoutAttributes{rate, key}.add_to(attributes);
  return {fmt::format("{} rate {} key {:x}{}", type.to_string(), rate, key.low,
                      draw.kind == Kind::specials ? " specials" : ""),
          make("dropout", attributes, {type, kScalarI64}, {type}),
          {draw, kStep},
          rate == 0.5,
          is_large(type)};
}

Cases dropout_cases() {
  Cases cases;
  for (const TensorType& type : elementwise_types())
    for (double rate : {0.2, 0.5}) cases.push_back(dropout_case(type, rate, kReals, kKey));
  for (double rate : {0.0, 0.01, 0.99})
    for (RandomKey key : {RandomKey{0, 0}, RandomKey{0xffffffffu, 0xffffffffu}})
      cases.push_back(dropout_case(f32({7, 65}), rate, kReals, key));
  cases.push_back(dropout_case(f32({321}), 0.3, kSpecials, kKey));
  return cases;
}

struct Rows {
  std::int64_t rows, classes;
};
constexpr std::array<Rows, 18> kRows{{{1300, 10},
                                      {0, 10},
                                      {1, 1},
                                      {1, 2},
                                      {3, 10},
                                      {31, 3},
                                      {32, 10},
                                      {33, 7},
                                      {64, 16},
                                      {65, 17},
                                      {96, 10},
                                      {127, 2},
                                      {128, 10},
                                      {129, 31},
                                      {10, 33},
                                      {6, 64},
                                      {5, 129},
                                      {3, 1000}}};

// Logits and labels: ordinary, widely spread, with ties, special, and with labels out of range.
struct Classification {
  std::string name;
  InputDraw logits;
  std::int64_t stray_labels;
};

std::vector<Classification> classifications() {
  return {{"ordinary", {Kind::reals, -5, 5}, 0},
          {"wide", {Kind::reals, -200, 200}, 0},
          {"ties", {Kind::integers, -1, 2}, 0},
          {"specials", kSpecials, 0},
          {"stray labels", {Kind::reals, -5, 5}, 2}};
}

Cases classification_cases(const std::string& op) {
  Cases cases;
  for (const Rows& n : kRows)
    for (const Classification& kind : classifications()) {
      // Every kind at two sizes, the ordinary one at all.
      if (kind.name != "ordinary" && n.rows != 33 && n.rows != 10) continue;
      const TensorType logits = f32({n.rows, n.classes}), labels = i32({n.rows});
      const InputDraw label{Kind::integers, -static_cast<double>(kind.stray_labels),
                            static_cast<double>(n.classes + kind.stray_labels)};
      OpCase test{fmt::format("{}x{} {}", n.rows, n.classes, kind.name),
                  make(op, {}, {logits, labels}, {f32({})}),
                  {kind.logits, label}};
      if (op == "accuracy") {
        test.problem.outputs = {i32({})};
        test.exact = true;
      } else if (op == "softmax_cross_entropy_gradient") {
        test.problem.inputs.push_back(f32({}));
        test.problem.outputs = {logits};
        test.inputs.push_back({Kind::reals, 0.5, 2});
      }
      cases.push_back(test);
    }
  return cases;
}

OpCase gather_case(const Shape& data, DType from, DType to, std::int64_t batch, double stray) {
  std::vector<std::int64_t> extents(data.extents().begin(), data.extents().end());
  extents[0] = batch;
  const bool floats = to == DType::f32;
  const GatherAttributes attributes =
      floats ? GatherAttributes{1.0 / 255, -0.5} : GatherAttributes{};
  const TensorType source{data, from}, target{Shape(extents), to};
  const double rows = static_cast<double>(data[0]);
  const InputDraw elements{Kind::integers, from == DType::u8 ? 0.0 : -1000.0,
                           from == DType::u8 ? 256.0 : 1000.0};
  return {
      fmt::format("{} -> {}{}", source.to_string(), target.to_string(), stray > 0 ? " stray" : ""),
      make("gather", attributes.to_attributes(), {source, i32({batch})}, {target}),
      {elements, {Kind::integers, -stray, rows + stray}},
      !floats,
      is_large(target)};
}

Cases gather_cases() {
  Cases cases;
  for (std::int64_t batch : {0, 1, 32, 33, 100})
    for (double stray : {0.0, 3.0}) {
      cases.push_back(gather_case({20, 28, 28}, DType::u8, DType::f32, batch % 40, stray));
      cases.push_back(gather_case({50, 33}, DType::u8, DType::f32, batch, stray));
      cases.push_back(gather_case({50}, DType::u8, DType::i32, batch, stray));
      cases.push_back(gather_case({50}, DType::i32, DType::i32, batch, stray));
    }
  for (std::int64_t length : {1, 3, 31, 65, 129})
    cases.push_back(gather_case({9, length}, DType::u8, DType::f32, 12, 1));
  cases.push_back(gather_case({500, 28, 28}, DType::u8, DType::f32, 128, 0));
  return cases;
}

Cases batch_indices_cases() {
  Cases cases;
  for (bool shuffle : {false, true})
    for (const auto& [count, batch, size] :
         std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                  {2, 2, 2},
                                                  {10, 4, 4},
                                                  {33, 32, 1},
                                                  {100, 128, 128},
                                                  {1000, 31, 31},
                                                  {1000, 65, 33},
                                                  {60000, 128, 128},
                                                  {60000, 128, 96},
                                                  {50000, 100, 0}}) {
      const BatchIndicesAttributes attributes{count, batch, (count + batch - 1) / batch, shuffle,
                                              kKey};
      cases.push_back(
          {fmt::format("{} of {}, {}{}", size, count, batch, shuffle ? " shuffled" : ""),
           make("batch_indices", attributes.to_attributes(), {kScalarI64}, {i32({size})}),
           {kStep},
           true});
    }
  return cases;
}

Cases accumulate_metrics_cases() {
  Cases cases;
  for (int n : {0, 1, 2, 3, kMaxMetrics}) {
    Attributes attributes;
    const TensorType total{Shape{}, DType::f64};
    OpCase test{fmt::format("{} metrics", n), {}, {kStep}};
    std::vector<TensorType> inputs{kScalarI64}, outputs{kScalarI64}, values;
    for (int k = 0; k < n; ++k) {
      attributes.set("weight_" + std::to_string(k), k % 2 == 0 ? 128.0 : 1.0);
      inputs.push_back(total);
      outputs.push_back(total);
      values.push_back(k % 2 == 0 ? f32({}) : i32({}));
      test.inputs.push_back({Kind::reals, 0, 1e6});
    }
    for (const TensorType& value : values) {
      inputs.push_back(value);
      test.inputs.push_back({Kind::reals, 0, 100});
    }
    test.problem = make("accumulate_metrics", attributes, inputs, outputs);
    cases.push_back(test);
  }
  return cases;
}

// A problem over parameters of these sizes; every one has a moment if `moments`.
OpCase optimizer_case(const std::string& op, Attributes attributes, bool moments,
                      const std::vector<TensorType>& parameters, const InputDraw& moment) {
  attributes.set("count", static_cast<std::int64_t>(parameters.size()));
  OpCase test{op, {}, {{Kind::reals, 0.001, 0.1}}};
  std::vector<TensorType> inputs{f32({})}, outputs;
  const auto append = [&](const InputDraw& draw, bool is_output) {
    inputs.insert(inputs.end(), parameters.begin(), parameters.end());
    test.inputs.insert(test.inputs.end(), parameters.size(), draw);
    if (is_output) outputs.insert(outputs.end(), parameters.begin(), parameters.end());
  };
  append(kReals, true);
  append(kReals, false);
  if (moments) append(moment, true);
  test.problem = make(op, attributes, inputs, outputs);
  for (const TensorType& type : parameters) test.large = test.large || is_large(type);
  return test;
}

std::vector<std::vector<TensorType>> parameter_lists() {
  std::vector<TensorType> many;
  for (std::int64_t i = 0; i < 40; ++i) many.push_back(f32({i * i}));
  return {{},
          {f32({1})},
          {f32({33})},
          {f32({0}), f32({5}), f32({0})},
          {f32({31, 33}), f32({33})},
          {f32({64, 65}), f32({65}), f32({65, 10}), f32({10})},
          many,
          {f32({784, 512}), f32({512}), f32({512, 512}), f32({512}), f32({512, 10}), f32({10})}};
}

Cases sgd_cases() {
  Cases cases;
  for (const auto& parameters : parameter_lists())
    for (double momentum : {0.0, 0.9}) {
      cases.push_back(optimizer_case("sgd", Attributes().set_untuned("momentum", momentum),
                                     momentum > 0, parameters, kReals));
      cases.back().name = fmt::format("{} parameters, momentum {}", parameters.size(), momentum);
    }
  return cases;
}

Cases rmsprop_cases() {
  Cases cases;
  for (const auto& parameters : parameter_lists())
    for (const InputDraw& moment :
         {InputDraw{Kind::reals, 0, 1}, InputDraw{Kind::reals, 0, 1e-6}}) {
      cases.push_back(optimizer_case(
          "rmsprop", Attributes().set_untuned("rho", 0.9).set_untuned("epsilon", 1e-7), true,
          parameters, moment));
      cases.back().name =
          fmt::format("{} parameters, moments to {}", parameters.size(), moment.high);
    }
  return cases;
}

const std::map<std::string, std::function<Cases()>>& table() {
  static const std::map<std::string, std::function<Cases()>> cases{
      {"accumulate_metrics", accumulate_metrics_cases},
      {"accuracy", [] { return classification_cases("accuracy"); }},
      {"add", add_cases},
      {"batch_indices", batch_indices_cases},
      {"dense", dense_cases},
      {"dense_input_gradient", [] { return dense_gradient_cases(false); }},
      {"dense_weight_gradient", [] { return dense_gradient_cases(true); }},
      {"dropout", dropout_cases},
      {"gather", gather_cases},
      {"relu", relu_cases},
      {"relu_gradient", relu_gradient_cases},
      {"rmsprop", rmsprop_cases},
      {"sgd", sgd_cases},
      {"softmax_cross_entropy", [] { return classification_cases("softmax_cross_entropy"); }},
      {"softmax_cross_entropy_gradient",
       [] { return classification_cases("softmax_cross_entropy_gradient"); }}};
  return cases;
}

}  // namespace

std::vector<OpCase> op_cases(const std::string& op) {
  const auto entry = table().find(op);
  return entry == table().end() ? Cases{} : entry->second();
}

std::vector<std::string> case_ops() {
  std::vector<std::string> ops;
  for (const auto& [op, cases] : table()) ops.push_back(op);
  return ops;
}

}  // namespace engine::test
