// How far a training step of mnist-mlp on the CPU is from its floor: the eight matrix products
// alone in oneDNN's fastest formats (whatever packing "any" chooses, reorders not counted), plus
// the bytes of all other kernels at the memory bandwidth measured here. All three are timed in
// turn, round by round in one run, so that a machine whose speed drifts slows them alike.
//
//   engine-step-floor [threads] [rounds]
#include <fmt/format.h>
#include <dnnl.hpp>

#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "tools/rosetta/training_step.h"

namespace {

using namespace engine;
using dnnl::memory;
using rosetta::median;
using rosetta::milliseconds;

constexpr std::int64_t kBatch = 128;

// One product in one formulation, with operands of its own.
class Product {
 public:
  Product(dnnl::primitive primitive, const std::unordered_map<int, memory::desc>& operands)
      : primitive_(std::move(primitive)) {
    for (const auto& [argument, description] : operands) {
      memory operand(description, engine());
      auto* values = static_cast<float*>(operand.get_data_handle());
      for (std::size_t i = 0; i < description.get_size() / sizeof(float); ++i)
        values[i] = static_cast<float>(i % 17) * 0.01f - 0.08f;
      arguments_.emplace(argument, operand);
    }
  }
  void run() {
    primitive_.execute(stream(), arguments_);
    stream().wait();
  }
  static dnnl::engine& engine() {
    static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
    return cpu;
  }

 private:
  static dnnl::stream& stream() {
    static dnnl::stream queue(engine());
    return queue;
  }
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
};

memory::desc any(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, memory::data_type::f32, memory::format_tag::any};
}
memory::desc plain(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, memory::data_type::f32, memory::format_tag::ab};
}

// A product [rows, inner] x [inner, columns] as a matmul, formats left to oneDNN or row-major.
Product matmul(std::int64_t rows, std::int64_t inner, std::int64_t columns, bool packed) {
  const auto describe = packed ? any : plain;
  const dnnl::matmul::primitive_desc description(
      {describe(rows, inner), describe(inner, columns), describe(rows, columns)},
      Product::engine());
  return {dnnl::matmul(description),
          {{DNNL_ARG_SRC, description.src_desc()},
           {DNNL_ARG_WEIGHTS, description.weights_desc()},
           {DNNL_ARG_DST, description.dst_desc()}}};
}

dnnl::inner_product_forward::primitive_desc forward_description(std::int64_t in, std::int64_t out) {
  return {{dnnl::prop_kind::forward_training, any(kBatch, in), any(out, in), any(kBatch, out)},
          Product::engine()};
}

Product forward(std::int64_t in, std::int64_t out) {
  const auto d = forward_description(in, out);
  return {dnnl::inner_product_forward(d),
          {{DNNL_ARG_SRC, d.src_desc()},
           {DNNL_ARG_WEIGHTS, d.weights_desc()},
           {DNNL_ARG_DST, d.dst_desc()}}};
}

Product backward_data(std::int64_t in, std::int64_t out) {
  const dnnl::inner_product_backward_data::primitive_desc d(
      {any(kBatch, in), any(out, in), any(kBatch, out)}, Product::engine(),
      forward_description(in, out));
  return {dnnl::inner_product_backward_data(d),
          {{DNNL_ARG_DIFF_SRC, d.diff_src_desc()},
           {DNNL_ARG_WEIGHTS, d.weights_desc()},
           {DNNL_ARG_DIFF_DST, d.diff_dst_desc()}}};
}

Product backward_weights(std::int64_t in, std::int64_t out) {
  const dnnl::inner_product_backward_weights::primitive_desc d(
      {any(kBatch, in), any(out, in), any(kBatch, out)}, Product::engine(),
      forward_description(in, out));
  return {dnnl::inner_product_backward_weights(d),
          {{DNNL_ARG_SRC, d.src_desc()},
           {DNNL_ARG_DIFF_WEIGHTS, d.diff_weights_desc()},
           {DNNL_ARG_DIFF_DST, d.diff_dst_desc()}}};
}

// The formulation of one product that is fastest here.
Product fastest(std::vector<Product> choices) {
  std::vector<std::vector<double>> times(choices.size());
  for (int round = 0; round < 40; ++round)
    for (std::size_t i = 0; i < choices.size(); ++i)
      times[i].push_back(milliseconds([&] { choices[i].run(); }));
  std::size_t best = 0;
  for (std::size_t i = 1; i < choices.size(); ++i)
    if (median(times[i]) < median(times[best])) best = i;
  return choices[best];
}

std::vector<Product> eight_products() {
  std::vector<Product> products;
  bool first = true;
  for (const auto& [in, out] :
       {std::pair<std::int64_t, std::int64_t>{784, 512}, {512, 512}, {512, 10}}) {
    products.push_back(
        fastest({forward(in, out), matmul(kBatch, in, out, true), matmul(kBatch, in, out, false)}));
    products.push_back(fastest({backward_weights(in, out), matmul(in, kBatch, out, true),
                                matmul(in, kBatch, out, false)}));
    if (!first)
      products.push_back(fastest(
          {backward_data(in, out), matmul(kBatch, out, in, true), matmul(kBatch, out, in, false)}));
    first = false;
  }
  return products;
}

// What kernels other than products must move in a step.
std::size_t other_bytes(const graph::Program& program) {
  std::size_t bytes = 0;
  for (const graph::Step& step : program.steps)
    if (step.flops == 0) bytes += step.bytes;
  return bytes;
}

// Bytes a second of a[i] += b[i], read and write counted, over arrays far larger than any cache.
struct Triad {
  static constexpr std::int64_t kCount = std::int64_t{1} << 25;
  std::vector<float> a = std::vector<float>(kCount, 1.0f), b = std::vector<float>(kCount, 2.0f);
  void run() {
    cpu::parallel_for(kCount, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        a[static_cast<std::size_t>(i)] += b[static_cast<std::size_t>(i)];
    });
  }
  static constexpr double kBytes = 3.0 * sizeof(float) * static_cast<double>(kCount);
};

void measure(int threads, int rounds) {
  rosetta::TrainingStep step(find_model("mnist-mlp"), threads, {});
  const auto bytes = static_cast<double>(other_bytes(step.program()));
  std::vector<Product> products = eight_products();
  Triad triad;
  std::vector<double> step_ms, product_ms, triad_ms, ratios;
  for (int i = 0; i < 20; ++i) step.run();
  for (int round = 0; round < rounds; ++round) {
    step_ms.push_back(milliseconds([&] {
                        for (int i = 0; i < 10; ++i) step.run();
                      }) /
                      10);
    product_ms.push_back(milliseconds([&] {
                           for (int i = 0; i < 10; ++i)
                             for (Product& product : products) product.run();
                         }) /
                         10);
    triad_ms.push_back(milliseconds([&] { triad.run(); }));
    const double other = bytes * triad_ms.back() / Triad::kBytes;
    ratios.push_back((step_ms.back() - other) / product_ms.back());
  }
  const double bandwidth = Triad::kBytes / median(triad_ms) / 1e6;
  fmt::print("mnist-mlp, batch {}, {} threads, {} rounds, medians\n", kBatch, cpu::threads(),
             rounds);
  fmt::print("  training step             {:8.3f} ms\n", median(step_ms));
  fmt::print("  eight bare products       {:8.3f} ms\n", median(product_ms));
  fmt::print("  other kernels             {:8.3f} ms  ({:.2f} MB at {:.1f} GB/s)\n",
             bytes / bandwidth / 1e6, bytes / 1e6, bandwidth);
  fmt::print("  (step - other) / products {:8.3f}     (step / products {:.3f})\n", median(ratios),
             median(step_ms) / median(product_ms));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(argc > 1 ? std::atoi(argv[1]) : 0, argc > 2 ? std::atoi(argv[2]) : 51);
    return 0;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "engine-step-floor: {}\n", failure.what());
    return 1;
  }
}
