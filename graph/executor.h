// Runs a program over a state store and an arena. Where the device can capture, a number of steps
// is recorded once and replayed; elsewhere kernels are launched one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/program.h"
#include "graph/state_store.h"

namespace engine::graph {

/// An output in which not every element is finite.
struct NotFinite {
  std::string label, op;  ///< of the node that computed it
  std::int64_t elements, bad;
  std::int64_t first;  ///< the first bad element
  double value;        ///< that it has
};

class Executor {
 public:
  /// Binds `program`, which must outlive the executor, to the states it names (all present in
  /// `store`) and to `arena` of at least program.plan.arena_bytes. Programs that never run at the
  /// same time may share an arena.
  Executor(const Program& program, StateStore& store, std::byte* arena);

  /// Enqueues `times` executions of the program.
  void run(Stream& stream, int times = 1);
  /// Enqueues one step by its index, without capture: for profiling and lockstep checks.
  void launch(std::size_t step, Stream& stream);

  /// Executes the program once, step by step, and returns the first output that is not finite: what
  /// a training step that changed nothing is run again for.
  std::optional<NotFinite> find_not_finite(Stream& stream);

  const Program& program() const { return program_; }
  std::span<const TensorView> inputs(std::size_t step) const { return bound_.at(step).inputs; }
  std::span<const TensorView> outputs(std::size_t step) const { return bound_.at(step).outputs; }
  void* workspace(std::size_t step) const { return bound_.at(step).workspace; }

 private:
  struct Bound {
    std::vector<TensorView> inputs, outputs;
    void* workspace = nullptr;
  };
  void launch_all(Stream& stream);

  const Program& program_;
  StateStore& store_;
  std::vector<Bound> bound_;
  std::unique_ptr<Replay> one_, several_;
  bool can_capture_ = true;
  bool launched_ = false;
};

}  // namespace engine::graph
