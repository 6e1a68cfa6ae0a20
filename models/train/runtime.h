// What programs run on: one device with its stream, the tuner and its cache, the state store, and
// one arena that all programs share. The order of events keeps memory predictable: graphs are
// compiled (which tunes and plans), then the total is known and checked, and only then anything is
// allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/tune/tuner.h"
#include "graph/compile.h"
#include "graph/executor.h"
#include "graph/state_store.h"

namespace engine {

struct RuntimeOptions {
  std::string device = "auto";
  int threads = 0;                 ///< CPU threads, 0: one a core
  std::string algorithm_cache;     ///< path; empty: AlgorithmCache::default_path()
  std::uint64_t memory_limit = 0;  ///< bytes of device memory, 0: none
  TunerOptions tuner;
  graph::CompileOptions compile;
};

/// Memory of a run, in bytes: on its device, and what kernels generated for it take in the process.
struct MemoryBudget {
  std::size_t state = 0;  ///< parameters, moments, counters, outputs
  std::size_t data = 0;   ///< resident data sets
  std::size_t arena = 0;  ///< activations, gradients and workspaces
  std::size_t code = 0;   ///< on the CPU: generated kernels and the library code they touch
  std::size_t total() const { return state + data + arena + code; }
};

class Runtime {
 public:
  explicit Runtime(const RuntimeOptions& options);

  Device& device() { return *device_; }
  Stream& stream() { return *stream_; }
  Tuner& tuner() { return *tuner_; }
  graph::StateStore& store() { return store_; }

  /// Compiles `graph` and returns its index among the programs.
  std::size_t add(graph::Graph graph);
  const graph::Program& program(std::size_t index) const { return *programs_.at(index); }
  /// Forgets what was compiled; before allocate() only.
  void discard_programs();

  /// Bytes that the run may take: what the device has left, within the run's limit.
  std::size_t memory_limit() const;
  /// What the run takes: before allocate() by what has been compiled so far, then what was
  /// allocated.
  MemoryBudget budget() const;
  /// Allocates states and arena; throws OutOfMemoryError with the bytes needed and available when
  /// the device or the limit of the run has less.
  void allocate();
  /// Valid after allocate().
  graph::Executor& executor(std::size_t index) { return *executors_.at(index); }

  /// Copies of scalars, waiting for the stream.
  std::int64_t read_counter(const std::string& state);
  double read_total(const std::string& state);
  /// Sets every element of a state to zero.
  void clear(const std::string& state);

 private:
  RuntimeOptions options_;
  std::size_t resident_before_;  ///< of the process, before it opened a device
  std::optional<MemoryBudget> allocated_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<Stream> stream_;
  AlgorithmCache cache_;
  std::unique_ptr<Tuner> tuner_;
  graph::StateStore store_;
  std::vector<std::unique_ptr<graph::Program>> programs_;
  std::vector<std::unique_ptr<graph::Executor>> executors_;
  Buffer arena_;
};

}  // namespace engine
