#include "tools/rosetta/bare_products.h"

#include <algorithm>
#include <dnnl.hpp>
#include <memory>
#include <unordered_map>
#include <utility>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/gru.h"
#include "kernels/lstm.h"
#include "tools/rosetta/training_step.h"

namespace engine::rosetta {
namespace {

using dnnl::memory;

void add_recurrent(const graph::Node& node, const RecurrentCell& cell, bool gradient,
                   std::vector<ProductShape>& products) {
  const auto attributes = RecurrentAttributes::from(node.op().attributes());
  const RecurrentPlaces places(attributes, cell, gradient);
  const auto extent = [&](std::size_t input, int axis) {
    return node.input(input)->type().shape[axis];
  };
  const std::int64_t n = extent(places.x, 0), steps = extent(places.x, 1),
                     inputs = extent(places.w, 0), w_columns = extent(places.w, 1),
                     units = extent(places.r, 0), r_columns = extent(places.r, 1);
  const std::string op = node.op().name();
  if (!gradient) {
    products.push_back({op + " x·w", n * steps, inputs, w_columns, 1});
    products.push_back({op + " h·r", n, units, r_columns, steps});
    return;
  }
  products.push_back({op + " dz·r'", n, r_columns, units, steps});
  products.push_back({op + " x'·dz", inputs, n * steps, w_columns, 1});
  products.push_back({op + " h'·dz", units, n * steps, r_columns, 1});
  if (attributes.input_gradient)
    products.push_back({op + " dz·w'", n * steps, w_columns, inputs, 1});
}

void add_dense(const graph::Node& node, std::vector<ProductShape>& products) {
  const std::string& op = node.op().name();
  const Shape& first = node.input(0)->type().shape;
  const Shape& result = node.output(0)->type().shape;
  if (op == "dense" || op == "dense_input_gradient")
    products.push_back({op, result[0], first[1], result[1], 1});
  if (op == "dense_weight_gradient") products.push_back({op, result[0], first[0], result[1], 1});
}

std::vector<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 17) * 0.01f - 0.08f;
  return values;
}

dnnl::engine& cpu_engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// Runs a primitive over operands of its own.
std::function<void()> over_operands(const dnnl::primitive& primitive,
                                    const std::vector<std::pair<int, memory::desc>>& operands) {
  std::unordered_map<int, memory> arguments;
  for (const auto& [argument, description] : operands) {
    memory operand(description, cpu_engine());
    const std::vector<float> values = numbers(description.get_size() / sizeof(float));
    std::copy(values.begin(), values.end(), static_cast<float*>(operand.get_data_handle()));
    arguments.emplace(argument, operand);
  }
  return [primitive, arguments] {
    static dnnl::stream queue(cpu_engine());
    primitive.execute(queue, arguments);
    queue.wait();
  };
}

std::function<void()> matmul(const ProductShape& s, memory::format_tag tag) {
  const auto describe = [&](std::int64_t rows, std::int64_t columns) {
    return memory::desc{{rows, columns}, memory::data_type::f32, tag};
  };
  const dnnl::matmul::primitive_desc d(
      {describe(s.rows, s.inner), describe(s.inner, s.columns), describe(s.rows, s.columns)},
      cpu_engine());
  return over_operands(dnnl::matmul(d), {{DNNL_ARG_SRC, d.src_desc()},
                                         {DNNL_ARG_WEIGHTS, d.weights_desc()},
                                         {DNNL_ARG_DST, d.dst_desc()}});
}

memory::desc any(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, memory::data_type::f32, memory::format_tag::any};
}

std::function<void()> inner_product(const ProductShape& s) {
  const dnnl::inner_product_forward::primitive_desc d(
      {dnnl::prop_kind::forward_training, any(s.rows, s.inner), any(s.columns, s.inner),
       any(s.rows, s.columns)},
      cpu_engine());
  return over_operands(dnnl::inner_product_forward(d), {{DNNL_ARG_SRC, d.src_desc()},
                                                        {DNNL_ARG_WEIGHTS, d.weights_desc()},
                                                        {DNNL_ARG_DST, d.dst_desc()}});
}

// rows x columns summed over `inner` observations, as the gradient of a layer's weights.
std::function<void()> weight_gradient(const ProductShape& s) {
  const dnnl::inner_product_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, any(s.inner, s.rows), any(s.columns, s.rows),
       any(s.inner, s.columns)},
      cpu_engine());
  const dnnl::inner_product_backward_weights::primitive_desc d(
      {any(s.inner, s.rows), any(s.columns, s.rows), any(s.inner, s.columns)}, cpu_engine(),
      forward);
  return over_operands(dnnl::inner_product_backward_weights(d),
                       {{DNNL_ARG_SRC, d.src_desc()},
                        {DNNL_ARG_DIFF_WEIGHTS, d.diff_weights_desc()},
                        {DNNL_ARG_DIFF_DST, d.diff_dst_desc()}});
}

// The library's micro-kernel, each thread on its part for all `count` products. A part's rows, or
// lines of depth, are gone through in blocks that stay in the cache.
class PackedParts {
 public:
  explicit PackedParts(const ProductShape& s) : shape_(s), deep_(s.inner > 4 * s.rows) {
    const cpu::MicroKernel& kernel = cpu::micro_kernel();
    const std::int64_t threads = cpu::threads();
    part_ = ((deep_ ? s.inner : s.rows) + threads - 1) / threads;
    block_ = std::min<std::int64_t>(part_, 64);
    depth_ = deep_ ? block_ : s.inner;
    rows_ = deep_ ? s.rows : block_;
    row_ = kernel.padded_columns(s.columns) + kernel.lanes;
    a_ = numbers(static_cast<std::size_t>(kernel.padded_rows(rows_) * depth_));
    b_ = numbers(static_cast<std::size_t>(depth_ * row_));
    for (std::int64_t i = 0; i < threads; ++i)
      c_.emplace_back(static_cast<std::size_t>(kernel.padded_rows(rows_) * row_));
  }

  void run() {
    const auto parts = static_cast<std::int64_t>(c_.size());
    cpu::parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part)
        for (std::int64_t i = 0; i < shape_.count; ++i)
          run_part(c_[static_cast<std::size_t>(part)]);
    });
  }

 private:
  void run_part(std::vector<float>& c) const {
    for (std::int64_t done = 0; done < part_; done += block_) {
      const std::int64_t left = std::min(block_, part_ - done);
      const std::int64_t a_row = deep_ ? 1 : depth_, a_depth = deep_ ? rows_ : 1;
      cpu::multiply_packed({a_.data(), a_row, a_depth, b_.data(), deep_ ? left : depth_, c.data(),
                            row_, deep_ && done > 0},
                           deep_ ? rows_ : left, shape_.columns);
    }
  }

  ProductShape shape_;
  bool deep_;
  std::int64_t part_, block_, depth_, rows_, row_;
  std::vector<float> a_, b_;
  std::vector<std::vector<float>> c_;  // of each thread
};

}  // namespace

std::vector<ProductShape> products_of(const graph::Program& program) {
  std::vector<ProductShape> products;
  for (const graph::Step& step : program.steps) {
    if (step.node == nullptr) continue;
    const std::string& op = step.node->op().name();
    if (op.starts_with("dense")) add_dense(*step.node, products);
    for (const RecurrentCell* cell : {&kLstm, &kGru, &kGruResetAfter})
      for (bool gradient : {false, true})
        if (op == std::string(cell->op) + (gradient ? "_gradient" : ""))
          add_recurrent(*step.node, *cell, gradient, products);
  }
  std::erase_if(products, [](const ProductShape& product) { return product.flops() == 0; });
  return products;
}

BareProduct::BareProduct(const ProductShape& shape) : shape_(shape) {
  const auto repeated = [count = shape.count](std::function<void()> once) {
    return [count, once] {
      for (std::int64_t i = 0; i < count; ++i) once();
    };
  };
  const auto packed = std::make_shared<PackedParts>(shape);
  std::vector<std::pair<std::string, std::function<void()>>> choices{
      {"matmul", repeated(matmul(shape, memory::format_tag::any))},
      {"matmul of rows", repeated(matmul(shape, memory::format_tag::ab))},
      {"inner product", repeated(inner_product(shape))},
      {"inner product backwards", repeated(weight_gradient(shape))},
      {"micro-kernel", [packed] { packed->run(); }}};
  std::vector<std::vector<double>> times(choices.size());
  for (int round = 0; round < 9; ++round)
    for (std::size_t i = 0; i < choices.size(); ++i)
      times[i].push_back(milliseconds(choices[i].second));
  std::size_t best = 0;
  for (std::size_t i = 1; i < choices.size(); ++i)
    if (median(times[i]) < median(times[best])) best = i;
  formulation_ = choices[best].first;
  run_ = choices[best].second;
}

}  // namespace engine::rosetta
