// A training step of a model on the CPU, ready to be timed.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "models/train/evaluator.h"
#include "models/zoo/zoo.h"

namespace engine::rosetta {

template <class Body>
double milliseconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// The element at `share` of the way through the sorted values.
inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5));
}

inline double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

/// Over synthetic data, with kernels tuned (or from the user's cache of algorithms).
class TrainingStep {
 public:
  TrainingStep(const ModelDefinition& model, int threads, const GraphOptions& graph_options)
      : runtime_(options(threads)) {
    const auto dataset = open_dataset("synthetic:60000", {model.network.input(), model.classes});
    const Feed feed = make_feed(*dataset, Part::train, model.batch, true, true);
    program_ = runtime_.add(training_graph(model, feed, graph_options).graph);
    runtime_.allocate();
    upload_dataset(*dataset, Part::train, runtime_);
  }

  void run() { runtime_.executor(program_).run(runtime_.stream()); }
  const graph::Program& program() const { return runtime_.program(program_); }

 private:
  static RuntimeOptions options(int threads) {
    RuntimeOptions options;
    options.device = "cpu";
    options.threads = threads;
    return options;
  }

  Runtime runtime_;
  std::size_t program_ = 0;
};

}  // namespace engine::rosetta
