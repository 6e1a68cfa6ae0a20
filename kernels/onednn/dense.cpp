// Dense products by oneDNN, each in two formulations: which of the inner-product and the
// matrix-product primitives is faster depends on the shape.
//
// Operands of f32 keep the engine's row-major layout: at the best formulation a product, it costs
// nothing against oneDNN's blocked layouts. For products of bf16 the weight, kept in f32, has to be
// converted in any case: to a row-major copy ("plain") or to whatever layout the primitive likes
// best ("packed"), in which a weight gradient is then left, too, and copied from.
//
// ReLU is not fused as a post-op, because oneDNN's maps NaN to 0, and a diverging run would go
// unseen.
#include "kernels/dense.h"

#include <array>
#include <string_view>

#include "engine/tune/registry.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/matrix.h"
#include "kernels/onednn/candidate.h"

namespace engine {
namespace onednn {
namespace {

using dnnl::memory;
using Type = memory::data_type;

// What the primitives of a problem are built from.
struct Setting {
  DenseExtents n;
  Type source;  ///< of what is multiplied
  Type result;
  bool packed;

  Setting(const Problem& problem, bool pack)
      : n(DenseExtents::of(problem)),
        source(type_of(problem.inputs[0])),
        result(type_of(problem.outputs[0])),
        packed(pack) {}

 private:
  static Type type_of(const TensorType& type) {
    return type.dtype == DType::bf16 ? Type::bf16 : Type::f32;
  }
};

memory::desc matrix(std::int64_t rows, std::int64_t columns, Type type) {
  return {{rows, columns}, type, memory::format_tag::ab};
}
// A [rows, columns] matrix whose transpose is what is stored.
memory::desc transposed(std::int64_t rows, std::int64_t columns, Type type) {
  return {{rows, columns}, type, memory::format_tag::ba};
}
memory::desc vector(std::int64_t size) {
  return {{size}, Type::f32, memory::format_tag::a};
}
// The same matrix in the layout that the primitive will be given, or may choose.
memory::desc choose(const Setting& s, const memory::desc& plain) {
  return s.packed ? memory::desc(plain.dims(), plain.data_type(), memory::format_tag::any) : plain;
}

// oneDNN has a reference implementation for what nothing else does, slower by orders of magnitude.
template <class Description>
const Description& no_reference(const Description& description) {
  if (std::string_view(description.impl_info_str()).starts_with("ref"))
    throw dnnl::error(dnnl_unimplemented, "there is nothing but the reference implementation");
  return description;
}

// The builders below bind operands in the order: inputs of the problem, then outputs. oneDNN's
// inner product calls weights [outputs, inputs], the transpose of the engine's.

memory::desc stored_weights(const Setting& s) {
  return transposed(s.n.outputs, s.n.inputs, Type::f32);
}

dnnl::inner_product_forward::primitive_desc inner_product_description(const Setting& s,
                                                                      Type result) {
  const DenseExtents& n = s.n;
  return {{dnnl::prop_kind::forward_training, matrix(n.batch, n.inputs, s.source),
           choose(s, transposed(n.outputs, n.inputs, s.source)), vector(n.outputs),
           matrix(n.batch, n.outputs, result)},
          primitive_attributes(),
          cpu_engine()};
}

Chain forward_inner_product(const Setting& s) {
  const auto description = inner_product_description(s, s.result);
  no_reference(description);
  Chain chain(4);
  const auto weights = chain.converted(1, stored_weights(s), description.weights_desc());
  chain.append({"inner product",
                dnnl::inner_product_forward(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_SRC, description.src_desc()},
                 {DNNL_ARG_WEIGHTS, description.weights_desc()},
                 {DNNL_ARG_BIAS, description.bias_desc()},
                 {DNNL_ARG_DST, description.dst_desc()}}},
               {0, weights, 2, 3});
  return chain;
}

Chain input_gradient_inner_product(const Setting& s) {
  const DenseExtents& n = s.n;
  const dnnl::inner_product_backward_data::primitive_desc description(
      {matrix(n.batch, n.inputs, s.result), choose(s, transposed(n.outputs, n.inputs, s.source)),
       matrix(n.batch, n.outputs, s.source)},
      primitive_attributes(), cpu_engine(), inner_product_description(s, s.source));
  no_reference(description);
  Chain chain(3);
  const auto weights = chain.converted(1, stored_weights(s), description.weights_desc());
  chain.append({"inner product, backward data",
                dnnl::inner_product_backward_data(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_DIFF_DST, description.diff_dst_desc()},
                 {DNNL_ARG_WEIGHTS, description.weights_desc()},
                 {DNNL_ARG_DIFF_SRC, description.diff_src_desc()}}},
               {0, weights, 2});
  return chain;
}

Chain weight_gradient_inner_product(const Setting& s) {
  const DenseExtents& n = s.n;
  const dnnl::inner_product_backward_weights::primitive_desc description(
      {matrix(n.batch, n.inputs, s.source), choose(s, stored_weights(s)), vector(n.outputs),
       matrix(n.batch, n.outputs, s.source)},
      primitive_attributes(), cpu_engine(), inner_product_description(s, s.source));
  no_reference(description);
  Chain chain(4);
  const auto weights = chain.target(2, description.diff_weights_desc(), stored_weights(s));
  chain.append({"inner product, backward weights",
                dnnl::inner_product_backward_weights(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_SRC, description.src_desc()},
                 {DNNL_ARG_DIFF_DST, description.diff_dst_desc()},
                 {DNNL_ARG_DIFF_WEIGHTS, description.diff_weights_desc()},
                 {DNNL_ARG_DIFF_BIAS, description.diff_bias_desc()}}},
               {0, 1, weights, 3});
  chain.deliver(weights, description.diff_weights_desc(), 2, stored_weights(s));
  return chain;
}

Chain forward_matmul(const Setting& s) {
  const DenseExtents& n = s.n;
  const dnnl::matmul::primitive_desc description(
      {matrix(n.batch, n.inputs, s.source), choose(s, matrix(n.inputs, n.outputs, s.source)),
       matrix(1, n.outputs, Type::f32), matrix(n.batch, n.outputs, s.result)},
      primitive_attributes(), cpu_engine());
  no_reference(description);
  Chain chain(4);
  const auto weights =
      chain.converted(1, matrix(n.inputs, n.outputs, Type::f32), description.weights_desc());
  chain.append({"matrix product",
                dnnl::matmul(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_SRC, description.src_desc()},
                 {DNNL_ARG_WEIGHTS, description.weights_desc()},
                 {DNNL_ARG_BIAS, description.bias_desc()},
                 {DNNL_ARG_DST, description.dst_desc()}}},
               {0, weights, 2, 3});
  return chain;
}

// c = a·b; b is stored as `stored_b`.
Chain plain_matmul(const Setting& s, const memory::desc& a, const memory::desc& b,
                   const memory::desc& stored_b, const memory::desc& c) {
  const dnnl::matmul::primitive_desc description({a, choose(s, b), c}, primitive_attributes(),
                                                 cpu_engine());
  no_reference(description);
  Chain chain(3);
  const auto converted_b = chain.converted(1, stored_b, description.weights_desc());
  chain.append({"matrix product",
                dnnl::matmul(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_SRC, description.src_desc()},
                 {DNNL_ARG_WEIGHTS, description.weights_desc()},
                 {DNNL_ARG_DST, description.dst_desc()}}},
               {0, converted_b, 2});
  return chain;
}

Chain input_gradient_matmul(const Setting& s) {
  const DenseExtents& n = s.n;
  return plain_matmul(s, matrix(n.batch, n.outputs, s.source),
                      transposed(n.outputs, n.inputs, s.source), stored_weights(s),
                      matrix(n.batch, n.inputs, s.result));
}

Chain weight_gradient_matmul(const Setting& s) {
  const DenseExtents& n = s.n;
  const memory::desc dz = matrix(n.batch, n.outputs, s.source);
  return plain_matmul(s, transposed(n.inputs, n.batch, s.source), dz, dz,
                      matrix(n.inputs, n.outputs, s.result));
}

// Pointers of the first `inputs` inputs and `outputs` outputs, as the builders bind them.
template <std::size_t inputs, std::size_t outputs>
void execute(Chain& chain, const LaunchArguments& arguments) {
  std::array<void*, inputs + outputs> pointers;
  for (std::size_t i = 0; i < inputs; ++i) pointers[i] = arguments.inputs[i].data;
  for (std::size_t i = 0; i < outputs; ++i) pointers[inputs + i] = arguments.outputs[i].data;
  chain.run(pointers, arguments.workspace);
}

void launch_forward(const cpu::DensePlan& plan, Chain& chain, const LaunchArguments& arguments) {
  execute<3, 1>(chain, arguments);
  cpu::finish_dense(plan.attributes, arguments);
}

void launch_input_gradient(const cpu::DensePlan&, Chain& chain, const LaunchArguments& arguments) {
  execute<2, 1>(chain, arguments);
}

void launch_weight_gradient(const cpu::DensePlan&, Chain& chain, const LaunchArguments& arguments) {
  execute<2, 2>(chain, arguments);
}

void launch_weight_gradient_apart(const cpu::DensePlan& plan, Chain& chain,
                                  const LaunchArguments& arguments) {
  execute<2, 1>(chain, arguments);
  const TensorView& dz = arguments.inputs[1];
  float* sums = arguments.outputs[1].as<float>();
  const auto [batch, inputs, outputs] = plan.extents;
  if (dz.type.dtype == DType::bf16)
    cpu::column_sums(dz.as<bfloat16>(), sums, batch, outputs);
  else
    cpu::column_sums(dz.as<float>(), sums, batch, outputs);
}

// One formulation of one of the three problems.
struct Formulation {
  const char* op;
  const char* id;
  Chain (*build)(const Setting&);
  void (*launch)(const cpu::DensePlan&, Chain&, const LaunchArguments&);
  bool matrix_product;  ///< not an inner product
};

constexpr std::array<Formulation, 6> kFormulations{{
    {"dense", "onednn.inner_product", forward_inner_product, launch_forward, false},
    {"dense", "onednn.matmul", forward_matmul, launch_forward, true},
    {"dense_input_gradient", "onednn.matmul", input_gradient_matmul, launch_input_gradient, true},
    {"dense_input_gradient", "onednn.inner_product", input_gradient_inner_product,
     launch_input_gradient, false},
    {"dense_weight_gradient", "onednn.inner_product", weight_gradient_inner_product,
     launch_weight_gradient, false},
    {"dense_weight_gradient", "onednn.matmul", weight_gradient_matmul, launch_weight_gradient_apart,
     true},
}};

class OnednnKernel final : public Kernel {
 public:
  OnednnKernel(const Problem& problem, const Formulation& formulation, Chain chain)
      : plan_(problem), chain_(std::move(chain)), launch_(formulation.launch) {}
  void launch(const LaunchArguments& arguments) override { launch_(plan_, chain_, arguments); }

 private:
  cpu::DensePlan plan_;
  Chain chain_;
  void (*launch_)(const cpu::DensePlan&, Chain&, const LaunchArguments&);
};

class OnednnDense final : public ChainCandidate {
 public:
  OnednnDense(const Formulation& formulation, bool bf16)
      : ChainCandidate(formulation.op, formulation.id, bf16), formulation_(formulation) {}
  double error_factor(const Problem& problem) const override {
    return product_error_factor(problem);
  }

 private:
  std::string refuse(const Problem& problem) const override {
    const DenseExtents n = DenseExtents::of(problem);
    if (n.batch == 0 || n.inputs == 0 || n.outputs == 0)
      return "oneDNN multiplies no empty matrices";
    // At a depth of 63 oneDNN 2.6.3 reads tiles that it has not configured, which ends the process,
    // or gives wrong sums; other depths up to 270 are right.
    const std::int64_t depth = problem.op == "dense"                  ? n.inputs
                               : problem.op == "dense_input_gradient" ? n.outputs
                                                                      : n.batch;
    if (bf16() && formulation_.matrix_product && depth % 2 != 0 && multiplies_bfloat16_in_tiles())
      return "oneDNN's matrix product by AMX is not safe at odd depths";
    return "";
  }
  std::vector<std::string> layouts() const override {
    return bf16() ? std::vector{kPlain, std::string("packed")} : std::vector{kPlain};
  }
  Chain build(const Problem& problem, bool plain) const override {
    return formulation_.build(Setting(problem, !plain));
  }
  std::unique_ptr<Kernel> make(const Problem& problem, Chain chain) const override {
    return std::make_unique<OnednnKernel>(problem, formulation_, std::move(chain));
  }

  const Formulation& formulation_;
};

}  // namespace
}  // namespace onednn

// Where nothing is tuned the first candidate is taken: native bf16 only where the CPU has it.
void register_dense_onednn(CandidateRegistry& registry) {
  const auto f32 = [](const onednn::Formulation& formulation) {
    return std::make_unique<onednn::OnednnDense>(formulation, false);
  };
  const auto add_native = [&](const onednn::Formulation& formulation) {
    registry.add(std::make_unique<onednn::OnednnDense>(formulation, true));
  };
  const bool native_first = onednn::multiplies_bfloat16_natively();
  for (const onednn::Formulation& formulation : onednn::kFormulations) {
    registry.add(f32(formulation));
    if (native_first) add_native(formulation);
  }
  for (const onednn::Formulation& formulation : onednn::kFormulations) {
    registry.add(cpu::make_widened_dense(f32(formulation)));
    if (!native_first) add_native(formulation);
  }
}

}  // namespace engine
