#include "kernels/dense.h"

#include <cmath>

#include "engine/tune/candidate.h"

namespace engine {

DenseAttributes DenseAttributes::from(const Attributes& attributes) {
  DenseAttributes result;
  const std::string& name = attributes.text("activation");
  ENGINE_CHECK(name == "none" || name == "relu", "dense: unknown activation '" + name + "'");
  result.activation = name == "relu" ? Activation::relu : Activation::none;
  if (attributes.has("to")) result.output = dtype_from_name(attributes.text("to"));
  if (attributes.has("rate")) result.dropout = DropoutAttributes::from(attributes);
  return result;
}

Attributes DenseAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("activation", std::string(activation == Activation::relu ? "relu" : "none"));
  if (output != DType::f32) attributes.set("to", std::string(dtype_name(output)));
  if (dropout.rate > 0) dropout.add_to(attributes);
  return attributes;
}

DenseExtents DenseExtents::of(const Problem& problem) {
  const Shape& first = problem.inputs.at(0).shape;
  const Shape& second = problem.inputs.at(1).shape;
  if (problem.op == "dense") return {first[0], first[1], second[1]};
  if (problem.op == "dense_input_gradient") return {first[0], second[0], first[1]};
  ENGINE_CHECK(problem.op == "dense_weight_gradient", "not a dense problem: " + problem.op);
  return {first[0], first[1], second[1]};
}

bool multiplies_bfloat16(const Problem& problem) {
  return problem.inputs.at(0).dtype == DType::bf16;
}

double product_error_factor(const Problem& problem) {
  const auto [batch, inputs, outputs] = DenseExtents::of(problem);
  const std::int64_t terms = problem.op == "dense"                  ? inputs
                             : problem.op == "dense_input_gradient" ? outputs
                                                                    : batch;
  const double in_f32 = 8 + std::sqrt(static_cast<double>(terms));
  return stored_error_factor(problem, in_f32, 3);
}

}  // namespace engine
