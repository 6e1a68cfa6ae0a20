// Dense products by oneDNN, each in two formulations: which of the inner-product and the
// matrix-product primitives is faster depends on the shape. Operands keep the engine's row-major
// layout: at the best formulation a product, it costs nothing against oneDNN's blocked layouts.
//
// ReLU is not fused as a post-op, because oneDNN's maps NaN to 0, and a diverging run would go
// unseen.
#include "kernels/dense.h"

#include <array>

#include "engine/core/error.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/matrix.h"
#include "kernels/onednn/engine.h"

namespace engine {
namespace onednn {
namespace {

using dnnl::memory;

memory::desc matrix(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, memory::data_type::f32, memory::format_tag::ab};
}
// A [rows, columns] matrix whose transpose is what is stored.
memory::desc transposed(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, memory::data_type::f32, memory::format_tag::ba};
}
memory::desc vector(std::int64_t size) {
  return {{size}, memory::data_type::f32, memory::format_tag::a};
}

// The builders below bind operands in the order: inputs of the problem, then outputs. oneDNN's
// inner product calls weights [outputs, inputs], the transpose of the engine's.

dnnl::inner_product_forward::primitive_desc inner_product_description(const DenseExtents& n) {
  return {{dnnl::prop_kind::forward_training, matrix(n.batch, n.inputs),
           transposed(n.outputs, n.inputs), vector(n.outputs), matrix(n.batch, n.outputs)},
          primitive_attributes(),
          cpu_engine()};
}

Execution forward_inner_product(const DenseExtents& n) {
  const auto description = inner_product_description(n);
  return {"inner product",
          dnnl::inner_product_forward(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_SRC, description.src_desc()},
           {DNNL_ARG_WEIGHTS, description.weights_desc()},
           {DNNL_ARG_BIAS, description.bias_desc()},
           {DNNL_ARG_DST, description.dst_desc()}}};
}

Execution input_gradient_inner_product(const DenseExtents& n) {
  const dnnl::inner_product_backward_data::primitive_desc description(
      {matrix(n.batch, n.inputs), transposed(n.outputs, n.inputs), matrix(n.batch, n.outputs)},
      primitive_attributes(), cpu_engine(), inner_product_description(n));
  return {"inner product, backward data",
          dnnl::inner_product_backward_data(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_DIFF_DST, description.diff_dst_desc()},
           {DNNL_ARG_WEIGHTS, description.weights_desc()},
           {DNNL_ARG_DIFF_SRC, description.diff_src_desc()}}};
}

Execution weight_gradient_inner_product(const DenseExtents& n) {
  const dnnl::inner_product_backward_weights::primitive_desc description(
      {matrix(n.batch, n.inputs), transposed(n.outputs, n.inputs), vector(n.outputs),
       matrix(n.batch, n.outputs)},
      primitive_attributes(), cpu_engine(), inner_product_description(n));
  return {"inner product, backward weights",
          dnnl::inner_product_backward_weights(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_SRC, description.src_desc()},
           {DNNL_ARG_DIFF_DST, description.diff_dst_desc()},
           {DNNL_ARG_DIFF_WEIGHTS, description.diff_weights_desc()},
           {DNNL_ARG_DIFF_BIAS, description.diff_bias_desc()}}};
}

Execution forward_matmul(const DenseExtents& n) {
  const dnnl::matmul::primitive_desc description(
      {matrix(n.batch, n.inputs), matrix(n.inputs, n.outputs), matrix(1, n.outputs),
       matrix(n.batch, n.outputs)},
      primitive_attributes(), cpu_engine());
  return {"matrix product",
          dnnl::matmul(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_SRC, description.src_desc()},
           {DNNL_ARG_WEIGHTS, description.weights_desc()},
           {DNNL_ARG_BIAS, description.bias_desc()},
           {DNNL_ARG_DST, description.dst_desc()}}};
}

Execution plain_matmul(const memory::desc& a, const memory::desc& b, const memory::desc& c) {
  const dnnl::matmul::primitive_desc description({a, b, c}, primitive_attributes(), cpu_engine());
  return {"matrix product",
          dnnl::matmul(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}}};
}

Execution input_gradient_matmul(const DenseExtents& n) {
  return plain_matmul(matrix(n.batch, n.outputs), transposed(n.outputs, n.inputs),
                      matrix(n.batch, n.inputs));
}

Execution weight_gradient_matmul(const DenseExtents& n) {
  return plain_matmul(transposed(n.inputs, n.batch), matrix(n.batch, n.outputs),
                      matrix(n.inputs, n.outputs));
}

// Pointers of the first `inputs` inputs and `outputs` outputs, as the builders bind them.
template <std::size_t inputs, std::size_t outputs>
void execute(Execution& execution, const LaunchArguments& arguments) {
  std::array<void*, inputs + outputs> pointers;
  for (std::size_t i = 0; i < inputs; ++i) pointers[i] = arguments.inputs[i].data;
  for (std::size_t i = 0; i < outputs; ++i) pointers[inputs + i] = arguments.outputs[i].data;
  execution.run(pointers, arguments.workspace);
}

void launch_forward(const cpu::DensePlan& plan, Execution& execution,
                    const LaunchArguments& arguments) {
  execute<3, 1>(execution, arguments);
  cpu::finish_dense(plan.attributes, arguments);
}

void launch_input_gradient(const cpu::DensePlan&, Execution& execution,
                           const LaunchArguments& arguments) {
  execute<2, 1>(execution, arguments);
}

void launch_weight_gradient(const cpu::DensePlan&, Execution& execution,
                            const LaunchArguments& arguments) {
  execute<2, 2>(execution, arguments);
}

void launch_weight_gradient_apart(const cpu::DensePlan& plan, Execution& execution,
                                  const LaunchArguments& arguments) {
  execute<2, 1>(execution, arguments);
  cpu::column_sums(arguments.inputs[1].as<float>(), arguments.outputs[1].as<float>(),
                   plan.extents.batch, plan.extents.outputs);
}

// One formulation of one of the three problems.
struct Formulation {
  const char* op;
  const char* id;
  Execution (*build)(const DenseExtents&);
  void (*launch)(const cpu::DensePlan&, Execution&, const LaunchArguments&);
};

constexpr std::array<Formulation, 6> kFormulations{{
    {"dense", "onednn.inner_product", forward_inner_product, launch_forward},
    {"dense", "onednn.matmul", forward_matmul, launch_forward},
    {"dense_input_gradient", "onednn.matmul", input_gradient_matmul, launch_input_gradient},
    {"dense_input_gradient", "onednn.inner_product", input_gradient_inner_product,
     launch_input_gradient},
    {"dense_weight_gradient", "onednn.inner_product", weight_gradient_inner_product,
     launch_weight_gradient},
    {"dense_weight_gradient", "onednn.matmul", weight_gradient_matmul,
     launch_weight_gradient_apart},
}};

class OnednnKernel final : public Kernel {
 public:
  OnednnKernel(const Problem& problem, const Formulation& formulation)
      : plan_(problem), execution_(formulation.build(plan_.extents)), launch_(formulation.launch) {}
  void launch(const LaunchArguments& arguments) override { launch_(plan_, execution_, arguments); }

 private:
  cpu::DensePlan plan_;
  Execution execution_;
  void (*launch_)(const cpu::DensePlan&, Execution&, const LaunchArguments&);
};

class OnednnDense final : public KernelCandidate {
 public:
  explicit OnednnDense(const Formulation& formulation)
      : formulation_(formulation), op_(formulation.op), id_(formulation.id) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return product_error_factor(problem);
  }

  Support query(const Problem& problem, Device&) const override {
    const DenseExtents n = DenseExtents::of(problem);
    if (n.batch == 0 || n.inputs == 0 || n.outputs == 0)
      return Support::refuse("oneDNN multiplies no empty matrices");
    try {
      return {{{"", formulation_.build(n).workspace(), true}}, ""};
    } catch (const dnnl::error& error) {
      return Support::refuse(std::string("oneDNN: ") + error.what());
    }
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration&,
                                  Device&) const override {
    try {
      return std::make_unique<OnednnKernel>(problem, formulation_);
    } catch (const dnnl::error& error) {
      rethrow(id_, error);
    }
  }

 private:
  const Formulation& formulation_;
  std::string op_;
  std::string backend_ = "cpu";
  std::string id_;
};

}  // namespace
}  // namespace onednn

void register_dense_onednn(CandidateRegistry& registry) {
  for (const onednn::Formulation& formulation : onednn::kFormulations)
    registry.add(std::make_unique<onednn::OnednnDense>(formulation));
}

}  // namespace engine
