// A training step of a model on the CPU, ready to be timed.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/train/evaluator.h"
#include "models/train/settings.h"
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

/// With kernels tuned (or from the user's cache of algorithms) and first weights as for training.
class TrainingStep {
 public:
  TrainingStep(const ModelDefinition& model, int threads, const GraphOptions& graph_options,
               const std::string& data = "synthetic:60000", const std::string& task = {})
      : runtime_(options(threads)) {
    const auto dataset = open_dataset(data, data_expectation(model, {}), task);
    const Feed feed = make_feed(*dataset, Part::train, model.batch, true, true);
    StepGraph graph = training_graph(model, feed, graph_options);
    const std::vector<Parameter> parameters = graph.parameters;
    program_ = runtime_.add(std::move(graph.graph));
    runtime_.allocate();
    upload_dataset(*dataset, Part::train, runtime_);
    initialize_parameters(parameters, 0, runtime_);
    if (model.text) distinct_tokens_ = count_tokens(*dataset, feed.batch);
  }
  /// In a batch, on average over the first ones of the data; 0 where there are none.
  double distinct_tokens() const { return distinct_tokens_; }

  void run() { runtime_.executor(program_).run(runtime_.stream()); }
  const graph::Program& program() const { return runtime_.program(program_); }

 private:
  static double count_tokens(const Dataset& data, std::int64_t batch) {
    const std::int64_t batches = std::min<std::int64_t>(10, data.count(Part::train) / batch);
    const auto rows = data.rows(Part::train);
    std::vector<std::int32_t> row(
        static_cast<std::size_t>(data.observation_type().element_count()));
    std::size_t found = 0;
    for (std::int64_t b = 0; b < batches; ++b) {
      std::set<std::int32_t> tokens;
      for (std::int64_t i = 0; i < batch; ++i) {
        rows->read(b * batch + i, {}, std::as_writable_bytes(std::span(row)));
        tokens.insert(row.begin(), row.end());
      }
      found += tokens.size();
    }
    return static_cast<double>(found) / static_cast<double>(batches);
  }

  static RuntimeOptions options(int threads) {
    RuntimeOptions options;
    options.device = "cpu";
    options.threads = threads;
    return options;
  }

  Runtime runtime_;
  std::size_t program_ = 0;
  double distinct_tokens_ = 0;
};

}  // namespace engine::rosetta
