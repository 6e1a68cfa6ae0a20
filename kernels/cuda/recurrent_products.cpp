#include "kernels/cuda/recurrent_products.h"

#include <algorithm>
#include <array>
#include <vector>

#include "engine/core/error.h"
#include "engine/tune/registry.h"
#include "kernels/dense.h"

namespace engine::cuda {
namespace {

const KernelCandidate& find_candidate(const std::string& op, const std::string& id) {
  for (const KernelCandidate* candidate : CandidateRegistry::global().find(op, "cuda"))
    if (candidate->id() == id) return *candidate;
  throw InternalError(op + " has no candidate '" + id + "'");
}

// Of tiled products, by name; of a library's, which has no such names, its own first choice.
const Configuration& choose(const Support& support, ProductShape shape) {
  static const std::vector<std::string> kRows{"64x64"}, kStep{"32x32"},
      kSums{"64x64/k16", "64x64/k4", "64x64"};
  const auto& names = shape == ProductShape::rows   ? kRows
                      : shape == ProductShape::step ? kStep
                                                    : kSums;
  for (const std::string& name : names) {
    const auto found = std::find_if(support.configurations.begin(), support.configurations.end(),
                                    [&](const Configuration& c) { return c.name == name; });
    if (found != support.configurations.end()) return *found;
  }
  return support.configurations.front();
}

TensorType floats(Shape shape) {
  return {std::move(shape), DType::f32};
}

Problem make_problem(std::string op, std::vector<TensorType> inputs,
                     std::vector<TensorType> outputs, Math math) {
  Problem problem;
  problem.op = std::move(op);
  problem.inputs = std::move(inputs);
  problem.outputs = std::move(outputs);
  problem.math = math;
  return problem;
}

}  // namespace

DenseProduct::DenseProduct(const std::string& candidate, const Problem& problem, ProductShape shape,
                           Device& device)
    : problem_(problem) {
  const KernelCandidate& solver = find_candidate(problem.op, candidate);
  const Support support = solver.query(problem, device);
  if (support.configurations.empty()) {
    refusal_ = support.refusal;
    return;
  }
  const Configuration& configuration = choose(support, shape);
  workspace_ = configuration.workspace;
  kernel_ = solver.prepare(problem, configuration, device);
}

void DenseProduct::launch(std::initializer_list<const void*> inputs,
                          std::initializer_list<void*> outputs, void* workspace,
                          Stream& stream) const {
  ENGINE_CHECK(inputs.size() == problem_.inputs.size() && outputs.size() == problem_.outputs.size(),
               "operands of " + problem_.op);
  std::array<TensorView, 3> in, out;
  std::size_t next = 0;
  for (const void* data : inputs)
    in[next] = {problem_.inputs[next], const_cast<void*>(data)}, ++next;
  next = 0;
  for (void* data : outputs) out[next] = {problem_.outputs[next], data}, ++next;
  kernel_->launch({std::span(in).first(inputs.size()), std::span(out).first(outputs.size()),
                   workspace, stream});
}

Problem product_problem(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, Math math) {
  Problem problem =
      make_problem("dense", {floats({rows, inputs}), floats({inputs, outputs}), floats({outputs})},
                   {floats({rows, outputs})}, math);
  problem.attributes = DenseAttributes{}.to_attributes();
  return problem;
}

Problem input_gradient_problem(std::int64_t rows, std::int64_t inputs, std::int64_t outputs,
                               Math math) {
  return make_problem("dense_input_gradient", {floats({rows, outputs}), floats({inputs, outputs})},
                      {floats({rows, inputs})}, math);
}

Problem weight_gradient_problem(std::int64_t rows, std::int64_t inputs, std::int64_t outputs,
                                Math math) {
  return make_problem("dense_weight_gradient", {floats({rows, inputs}), floats({rows, outputs})},
                      {floats({inputs, outputs}), floats({outputs})}, math);
}

}  // namespace engine::cuda
