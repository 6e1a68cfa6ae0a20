// Programs over one part of a data set: evaluation (mean loss and accuracy of every observation)
// and prediction. Both run whole batches and then the smaller last one, each a program of its own.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "models/train/batch_feed.h"
#include "models/train/runtime.h"
#include "models/train/step_graphs.h"

namespace engine {

/// Uploads the parameters' first values, each drawn by `seed` and its name, after allocate().
void initialize_parameters(const std::vector<Parameter>& parameters, std::uint64_t seed,
                           Runtime& runtime);

struct EvaluationResult {
  double loss = 0;
  std::optional<double> accuracy;  ///< absent for a loss that has none
};

/// One kind of program, compiled for each group of batches: the whole ones, the smaller last one of
/// an epoch, and both for every bucket of lengths.
class BatchPrograms {
 public:
  using MakeGraph = std::function<StepGraph(const Feed&)>;
  /// Compiles for `feed` (feed.group is set here). `seed` is that of the graphs.
  BatchPrograms(Runtime& runtime, const Feed& feed, const MakeGraph& make_graph,
                std::uint64_t seed = 0);

  /// In an epoch.
  std::int64_t steps() const { return steps_; }
  const Feed& feed() const { return feed_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<graph::PassReport>& forward_passes() const { return passes_; }
  /// Index of the first group's program, which is for whole batches.
  std::size_t first() const { return entries_.front().program; }

  /// Observations of steps [first, end), which go on from epoch to epoch.
  std::int64_t observations(std::int64_t first, std::int64_t end) const;
  /// Up to where steps from `step` on, of one epoch, may be enqueued at once although one of them
  /// may have no effect, and its successors then find the device at the same step.
  std::int64_t end_of_burst(std::int64_t step) const;
  /// Enqueues steps [first, end).
  void run(Runtime& runtime, std::int64_t first, std::int64_t end) const;
  /// Executor::find_not_finite() of a step.
  std::optional<graph::NotFinite> find_not_finite(Runtime& runtime, std::int64_t step) const;

 private:
  struct Entry {
    BatchGroup group;
    std::size_t program;
  };
  std::size_t compile(Runtime& runtime, const MakeGraph& make_graph);
  const Entry& entry_of(std::int64_t step) const;
  std::int64_t observations_before(std::int64_t step) const;

  Feed feed_;
  std::int64_t steps_;
  RandomKey order_;
  std::vector<Entry> entries_;
  std::vector<Parameter> parameters_;
  std::vector<graph::PassReport> passes_;
};

/// Programs over a part of `data`, which must outlive them, from its first observation to its last:
/// compiled for data that are resident or streamed, and then given them.
class PartPrograms {
 public:
  PartPrograms(Runtime& runtime, const Dataset& data, Part part, std::int64_t batch, bool stream,
               const BatchPrograms::MakeGraph& make_graph);
  /// Brings the data, after allocate().
  void load(Runtime& runtime, int loader_threads);

 protected:
  /// Runs steps from `step` on and waits for them; returns how many, at most `most`. They must have
  /// been announced to the feed.
  std::int64_t run_steps(Runtime& runtime, std::int64_t step, std::int64_t most) const;
  const Dataset& data_;
  BatchPrograms programs_;
  std::unique_ptr<BatchFeed> feed_;
};

class Evaluator : public PartPrograms {
 public:
  Evaluator(Runtime& runtime, const ModelDefinition& model, const Dataset& data, Part part,
            const GraphOptions& options, bool stream = false);
  /// Over every observation; waits.
  EvaluationResult run(Runtime& runtime) const;
};

class Predictor : public PartPrograms {
 public:
  Predictor(Runtime& runtime, const ModelDefinition& model, const Dataset& data, Part part,
            const GraphOptions& options, bool stream = false);
  /// Calls sink(n, outputs of the next n observations row by row) batch by batch, for the first
  /// `count` observations.
  void run(Runtime& runtime, std::int64_t count,
           const std::function<void(std::int64_t, std::span<const float>)>& sink) const;
};

}  // namespace engine
