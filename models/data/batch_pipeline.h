// Batches of a data set made ready by threads of its own while others are trained on. Slots for a
// few batches are filled in turn; rows of one batch, and of those behind it, are read in parallel.
// Which rows a batch has is computed from its step, so whoever reads first changes nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "kernels/batch_indices.h"
#include "models/data/dataset.h"

namespace engine {

/// Where batches are assembled: the batch of step k in slot k mod count, its observations one after
/// the other, and their targets likewise.
struct BatchSlots {
  std::int64_t count = 0;
  std::byte* observations = nullptr;  ///< [count, batch, bytes of an observation]
  std::byte* targets = nullptr;       ///< [count, batch, bytes of a target]; null: not wanted
};

class BatchPipeline {
 public:
  /// Called, once at a time, by the thread that has filled a slot: brings it to where it is wanted.
  using Deliver = std::function<void(std::int64_t slot)>;

  /// Of a part of `data`, which must outlive this, as must the slots. `order` tells the
  /// observations of each step; those of an epoch's last step may be fewer. With a key, rows are
  /// varied by it and the epoch. Reads the targets; throws DataError as they do.
  BatchPipeline(const Dataset& data, Part part, const BatchIndicesAttributes& order,
                std::optional<RandomKey> variation, const BatchSlots& slots, Deliver deliver,
                int threads);
  /// Stops the threads, each after the row that it is reading.
  ~BatchPipeline() { stop(); }
  BatchPipeline(const BatchPipeline&) = delete;
  BatchPipeline& operator=(const BatchPipeline&) = delete;

  /// Gives up what was begun, and makes the batches of steps [first, end) ready, in this order.
  void start(std::int64_t first, std::int64_t end);
  /// Waits until the batch of `step` is delivered; throws what kept a thread from it.
  void wait(std::int64_t step);
  /// The batches before that of `step` are used no more: their slots may be filled anew.
  void release(std::int64_t step);
  /// That wait() has taken, in all.
  double seconds_waited() const { return seconds_waited_; }

 private:
  /// Some rows of the batch of one step.
  struct Task {
    std::int64_t step, first, rows;
  };

  void stop();
  void work();
  std::optional<Task> claim();
  void fill(const Task& task);
  /// Whether these were the last missing rows of their batch.
  bool completes(const Task& task);
  void deliver(std::int64_t step);
  std::int64_t size_of(std::int64_t step) const;
  std::size_t slot_of(std::int64_t step) const {
    return static_cast<std::size_t>(step % slots_.count);
  }

  const std::unique_ptr<RowReader> rows_;
  const BatchIndicesAttributes order_;
  const std::optional<RandomKey> variation_;
  const BatchSlots slots_;
  const Deliver deliver_;
  const int thread_count_;
  const std::int64_t rows_of_task_;
  const std::size_t observation_bytes_, target_bytes_;
  std::vector<std::byte> targets_;  // of the whole part
  double seconds_waited_ = 0;

  std::mutex mutex_;
  std::condition_variable work_, delivered_;
  std::int64_t end_ = 0;
  std::int64_t released_ = 0;             // the first step whose slot is in use
  Task next_{};                           // the rows to claim next; its number of them is unused
  std::vector<std::int64_t> missing_;     // by slot: rows still to be read
  std::vector<std::int64_t> ready_step_;  // by slot: whose batch is delivered there; -1: none
  std::exception_ptr failure_;
  std::atomic<bool> stopping_ = false;

  std::mutex deliver_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace engine
