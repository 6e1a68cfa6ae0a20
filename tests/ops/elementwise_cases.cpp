// Cases of the element-wise functions and their gradients: every row of the table, over values
// where the function bends, and over special values.
#include <fmt/format.h>

#include "kernels/elementwise.h"
#include "ops/elementwise.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

// Where a function is evaluated, where its numerical derivative is taken, and what its gradient
// reads.
struct Domain {
  std::string name;
  InputDraw x, smooth, saved;
  std::vector<Attributes> attributes = {Attributes{}};
};

InputDraw between(double low, double high) {
  return {Kind::reals, low, high};
}

Attributes alpha(double value) {
  return Attributes().set("alpha", value);
}

std::vector<Domain> domains() {
  const InputDraw unit = between(-1, 1), narrow = between(-4, 4), wide = between(-20, 20);
  const InputDraw tail = between(-12, 12), positive = between(0.5, 4), share = between(0, 1);
  return {{"relu", unit, unit, unit},
          {"leaky_relu", unit, unit, unit, {alpha(0.01), alpha(0.3)}},
          {"elu", narrow, narrow, narrow, {alpha(1), alpha(0.5)}},
          {"tanh", tail, narrow, unit},
          {"sigmoid", wide, narrow, share},
          {"hard_sigmoid", narrow, narrow, between(-0.2, 1.2)},
          {"softplus", wide, narrow, wide},
          {"gelu", tail, narrow, tail},
          {"gelu_tanh", tail, narrow, tail},
          {"silu", wide, narrow, wide},
          {"exp", between(-80, 80), unit, between(0, 100)},
          {"log", between(0, 10), positive, positive},
          {"sqrt", between(0, 10), positive, positive},
          {"square", narrow, narrow, narrow},
          {"abs", narrow, narrow, narrow},
          {"scale_shift",
           narrow,
           narrow,
           narrow,
           {Attributes().set("scale", -1.0), Attributes().set("scale", 1.5).set("shift", -0.25)}}};
}

bool is_exact(const std::string& name) {
  return name == "relu" || name == "abs";
}

std::string case_name(const TensorType& type, const Attributes& attributes, const char* kind) {
  return fmt::format("{} {} {}", type.to_string(), attributes.to_string(), kind);
}

// bf16 goes through the same loops: sizes around its vectors and blocks will do.
std::vector<TensorType> types() {
  std::vector<TensorType> all = elementwise_types();
  for (std::int64_t size : {1, 33, 1000, 4097}) all.push_back(bf16({size}));
  return all;
}

void add_values(CaseTable& table, const Domain& domain, const Attributes& attributes,
                const TensorType& type) {
  OpCase test{.name = case_name(type, attributes, "reals"),
              .op = ops::elementwise(domain.name, attributes),
              .types = {type},
              .draws = {domain.x},
              .exact = is_exact(domain.name),
              .large = is_large(type)};
  table.add(test);
  test.name = case_name(type, attributes, "specials");
  test.draws = {kSpecials};
  table.add(test);
  if (type != f32({33})) return;
  test.name = case_name(type, attributes, "smooth");
  test.draws = {domain.smooth};
  test.gradient = true;
  table.add(test);
}

// Division by what the specials hold overflows f32 in places where the reference does not.
void add_gradients(CaseTable& table, const Domain& domain, const Attributes& attributes,
                   const TensorType& type) {
  OpCase test{.name = case_name(type, attributes, "reals"),
              .op = ops::elementwise_gradient(domain.name, attributes),
              .types = {type, type},
              .draws = {kReals, domain.saved},
              .large = is_large(type)};
  table.add(test);
  if (domain.name == "log" || domain.name == "sqrt") return;
  test.name = case_name(type, attributes, "specials");
  test.draws = {kReals, kSpecials};
  table.add(test);
}

void add_relu_gradients(CaseTable& table, const TensorType& type) {
  for (double scale : {1.0, 1.25})
    table.add({.name = fmt::format("{} scale {} specials in both", type.to_string(), scale),
               .op = ops::relu_gradient(scale),
               .types = {type, type},
               .draws = {kSpecials, kSpecials},
               .exact = scale == 1,
               .large = is_large(type)});
}

}  // namespace

void register_elementwise_cases(CaseTable& table) {
  for (const Domain& domain : domains())
    for (const Attributes& attributes : domain.attributes)
      for (const TensorType& type : types()) {
        add_values(table, domain, attributes, type);
        if (find_elementwise_function(domain.name).reads != Reads::nothing)
          add_gradients(table, domain, attributes, type);
      }
  for (const TensorType& type : types()) add_relu_gradients(table, type);
}

}  // namespace engine::test
