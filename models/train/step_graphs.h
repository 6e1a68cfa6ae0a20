// The three graphs of a model: one training step, one evaluation step, one prediction step. All
// read data in device memory, the whole set or batches of a stream, and share the states of one
// store.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "graph/ir.h"
#include "graph/passes/pass.h"
#include "kernels/batch_indices.h"
#include "models/data/dataset.h"
#include "models/zoo/zoo.h"

namespace engine {

/// Batches of an epoch, neighbours by number, that one program serves: alike in their extents.
struct BatchGroup {
  std::int64_t size = 0;              ///< observations of a batch
  std::int64_t first = 0, count = 0;  ///< batches
  /// Tokens that are kept of each observation; 0: all.
  std::int64_t length = 0;
  /// The observations that batches from number `first_of_rows` on are drawn from: those of a
  /// bucket, which the smaller last batch shares with the whole ones.
  std::int64_t first_row = 0, rows = 0, first_of_rows = 0;
};

/// How observations reach a step. Batches have `batch` observations, or fewer at the end of an
/// epoch.
struct Feed {
  Part part = Part::train;
  std::int64_t count = 0;  ///< observations in the part
  std::int64_t batch = 0;
  bool shuffle = false;
  bool partial = true;  ///< whether an epoch ends with its smaller last batch
  /// Of a stream: how many batches are in device memory at a time, step k's being the one with the
  /// number k mod slots; 0: the whole part is.
  std::int64_t slots = 0;
  /// Of the data: the elements of an observation, and one observation's target.
  DType observation = DType::u8;
  TensorType target{Shape{}, DType::u8};
  /// Of the data; empty: observations are taken as they are.
  std::vector<LengthBucket> buckets = {};
  /// Those of groups() that a graph is for.
  BatchGroup group = {};

  std::vector<BatchGroup> groups() const;
  std::int64_t steps_per_epoch() const;
  /// Whether batches of different groups follow one another in a random order.
  bool mixed() const { return shuffle && !buckets.empty(); }
  /// Observations in device memory.
  std::int64_t rows() const { return slots > 0 ? slots * batch : count; }
};

/// Which observations of the part a step of the feed's group takes.
BatchIndicesAttributes observations_of_steps(const Feed& feed, std::uint64_t seed);

/// The feed of a part of `data`, in its order and to its end, or shuffled, for its first group. A
/// batch is at most as large as the part.
Feed make_feed(const Dataset& data, Part part, std::int64_t batch, bool shuffle, bool partial);

/// A graph after its forward passes, with what they did, and the parameters it declares.
struct StepGraph {
  graph::Graph graph;
  std::vector<graph::PassReport> passes;
  std::vector<Parameter> parameters;
};

struct GraphOptions {
  std::uint64_t seed = 0;
  std::set<std::string> passes_off;
  /// Also assigns every parameter's gradient to a state "gradient/<parameter>" (role output).
  bool keep_gradients = false;
  /// Whether training goes on after a step that is not finite, or stands still before it.
  bool skip_bad_steps = false;
  /// What layers that can store their results as: f32 or bf16, see Builder.
  DType activations = DType::f32;
};

// States beside parameters and moments. Totals are sums over the epoch so far, f64.
inline constexpr const char* kTrainStep = "train/step";
inline constexpr const char* kTrainLoss = "train/loss";
inline constexpr const char* kTrainCorrect = "train/correct";
inline constexpr const char* kSkippedSteps = "train/skipped";  ///< i64, where they are skipped
inline constexpr const char* kEvaluationStep = "evaluation/step";
inline constexpr const char* kEvaluationLoss = "evaluation/loss";
inline constexpr const char* kEvaluationCorrect = "evaluation/correct";
inline constexpr const char* kPredictionStep = "prediction/step";
/// The network's output [size, …] of the last prediction step.
std::string prediction_state(std::int64_t size);
/// "data/<part>/observations" [rows, input…] and "data/<part>/targets" [rows, …], see Feed::rows().
std::string observations_name(Part part);
std::string targets_name(Part part);

StepGraph training_graph(const ModelDefinition& model, const Feed& feed,
                         const GraphOptions& options);
StepGraph evaluation_graph(const ModelDefinition& model, const Feed& feed,
                           const GraphOptions& options);
StepGraph prediction_graph(const ModelDefinition& model, const Feed& feed,
                           const GraphOptions& options);

}  // namespace engine
