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

/// One kind of program at the full batch and at the size of the last one.
class BatchPrograms {
 public:
  using MakeGraph = std::function<StepGraph(const Feed&)>;
  /// Compiles for `feed` (feed.size is set here).
  BatchPrograms(Runtime& runtime, Feed feed, const MakeGraph& make_graph);

  std::int64_t full_steps() const { return feed_.count / feed_.batch; }
  std::int64_t last_size() const { return feed_.partial ? feed_.count % feed_.batch : 0; }
  std::int64_t steps() const { return feed_.steps_per_epoch(); }
  const Feed& feed() const { return feed_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<graph::PassReport>& forward_passes() const { return passes_; }
  /// Program indices; empty when there are no such batches.
  std::optional<std::size_t> full() const { return full_; }
  std::optional<std::size_t> last() const { return last_; }

  /// Enqueues `count` steps from `position` within the epoch on; they must all lie before its end.
  void run(Runtime& runtime, std::int64_t position, std::int64_t count) const;
  /// Executor::find_not_finite() of the step at `position` within the epoch.
  std::optional<graph::NotFinite> find_not_finite(Runtime& runtime, std::int64_t position) const;

 private:
  std::size_t compile(Runtime& runtime, std::int64_t size, const MakeGraph& make_graph);
  Feed feed_;
  std::optional<std::size_t> full_, last_;
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
