// How far a training step on the CPU is from its floor: its matrix products alone, each in the
// formulation that is fastest here, plus the bytes of other kernels at the memory bandwidth
// measured here: all of them, and those of the rows that a deferred Adam has to touch alone. All
// three are timed in turn, round by round in one run, so that a machine whose speed drifts slows
// them alike.
//
//   engine-step-floor MODEL [DATA [TASK [threads [rounds]]]]
//
// DATA is synthetic if not given, TASK may be "".
#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "tools/rosetta/bare_products.h"
#include "tools/rosetta/training_step.h"

namespace {

using namespace engine;
using rosetta::BareProduct;
using rosetta::median;
using rosetta::milliseconds;
using rosetta::TrainingStep;

// What kernels other than products must move in a step.
std::size_t other_bytes(const graph::Program& program) {
  std::size_t bytes = 0;
  for (const graph::Step& step : program.steps)
    if (step.flops == 0) bytes += step.bytes;
  return bytes;
}

// What a deferred Adam must: parameter and moments of the rows that a batch uses, read and written,
// and their gradients.
double deferred_bytes(const TrainingStep& step) {
  double bytes = 0;
  for (const graph::Step& each : step.program().steps) {
    if (each.node == nullptr || each.node->op().name() != "deferred_adam") continue;
    const auto width = static_cast<double>(each.node->output(3)->type().shape[1]);
    bytes += step.distinct_tokens() * width * sizeof(float) * (3 + 3 + 1);
  }
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

struct Times {
  std::vector<double> step, products, triad;    // by round
  std::vector<std::vector<double>> by_product;  // by product and round
};

Times measure(TrainingStep& step, const std::vector<BareProduct>& products, int rounds) {
  Times times;
  times.by_product.resize(products.size());
  Triad triad;
  const int steps = std::max(1, static_cast<int>(50 / milliseconds([&] { step.run(); })));
  for (int i = 0; i < 2 * steps; ++i) step.run();
  for (int round = 0; round < rounds; ++round) {
    step.run();  // in training a step follows a step, not an array that filled the caches
    times.step.push_back(milliseconds([&] {
                           for (int i = 0; i < steps; ++i) step.run();
                         }) /
                         steps);
    double all = 0;
    for (std::size_t p = 0; p < products.size(); ++p) {
      times.by_product[p].push_back(milliseconds([&] {
                                      for (int i = 0; i < steps; ++i) products[p].run();
                                    }) /
                                    steps);
      all += times.by_product[p].back();
    }
    times.products.push_back(all);
    times.triad.push_back(milliseconds([&] { triad.run(); }));
  }
  return times;
}

template <class Ratio>
double median_ratio(const Times& times, const Ratio& ratio) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < times.step.size(); ++i)
    ratios.push_back(ratio(times.step[i], times.products[i], times.triad[i] / Triad::kBytes));
  return median(ratios);
}

void report(const TrainingStep& step, const std::vector<BareProduct>& products,
            const Times& times) {
  for (std::size_t p = 0; p < products.size(); ++p) {
    const rosetta::ProductShape& shape = products[p].shape();
    const double ms = median(times.by_product[p]);
    fmt::print("  {:28} {:>22} x {:<4} {:8.3f} ms {:7.1f} GFLOP/s  {}\n", shape.op,
               fmt::format("{} x {} x {}", shape.rows, shape.inner, shape.columns), shape.count, ms,
               shape.flops() / ms / 1e6, products[p].formulation());
  }
  const double bandwidth = Triad::kBytes / median(times.triad) / 1e6;
  const auto other = static_cast<double>(other_bytes(step.program()));
  const double deferred = deferred_bytes(step);
  fmt::print("  training step                      {:8.3f} ms\n", median(times.step));
  fmt::print("  bare products                      {:8.3f} ms\n", median(times.products));
  const auto print_bytes = [&](const char* what, double bytes) {
    fmt::print("  {:34} {:8.3f} ms  ({:.2f} MB at {:.1f} GB/s)\n", what, bytes / bandwidth / 1e6,
               bytes / 1e6, bandwidth);
  };
  print_bytes("bytes of other kernels", other);
  print_bytes("bytes of rows by deferred Adam", deferred);
  fmt::print("  step / products                    {:8.3f}\n",
             median_ratio(times, [](double s, double p, double) { return s / p; }));
  fmt::print("  step / (products + deferred Adam)  {:8.3f}\n",
             median_ratio(times, [&](double s, double p, double per_byte) {
               return s / (p + deferred * per_byte);
             }));
  fmt::print("  (step - other kernels) / products  {:8.3f}\n",
             median_ratio(times, [&](double s, double p, double per_byte) {
               return (s - other * per_byte) / p;
             }));
}

void run(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) {
    return argc > i ? argv[i] : otherwise;
  };
  const std::string data = argument(2, "synthetic:60000"), task = argument(3, "");
  const int threads = std::atoi(argument(4, "0")), rounds = std::atoi(argument(5, "21"));
  const ModelDefinition model = for_data(find_model(argument(1, "mnist-mlp")), data, task);
  TrainingStep step(model, threads, {}, data, task);
  std::vector<BareProduct> products;
  for (const rosetta::ProductShape& shape : rosetta::products_of(step.program()))
    products.emplace_back(shape);
  fmt::print("{}, batch {}, {} threads, {} rounds, medians\n", model.name, model.batch,
             cpu::threads(), rounds);
  report(step, products, measure(step, products, rounds));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "engine-step-floor: {}\n", failure.what());
    return 1;
  }
}
