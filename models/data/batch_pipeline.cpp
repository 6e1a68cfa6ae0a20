#include "models/data/batch_pipeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/core/error.h"
#include "engine/device/cpu/held_signals.h"

namespace engine {
namespace {

// Small enough that all threads work on the batch that is wanted next, large enough that claiming
// rows costs nothing beside copying them.
std::int64_t rows_of_task(std::int64_t batch, int threads) {
  return std::max<std::int64_t>(1, batch / (4 * threads));
}

}  // namespace

BatchPipeline::BatchPipeline(const Dataset& data, Part part, const BatchIndicesAttributes& order,
                             std::optional<RandomKey> variation, const BatchSlots& slots,
                             Deliver deliver, int threads)
    : rows_(data.rows(part)),
      order_(order),
      variation_(variation),
      slots_(slots),
      deliver_(std::move(deliver)),
      thread_count_(threads),
      rows_of_task_(rows_of_task(order.batch, threads)),
      observation_bytes_(data.observation_type().bytes()),
      target_bytes_(data.target_type().bytes()),
      missing_(static_cast<std::size_t>(slots.count)),
      ready_step_(static_cast<std::size_t>(slots.count), -1) {
  ENGINE_CHECK(slots.count > 0 && threads > 0, "a pipeline without slots or threads");
  if (slots.targets == nullptr) return;
  data.read_targets(part, [&](std::span<const std::byte> bytes) {
    targets_.insert(targets_.end(), bytes.begin(), bytes.end());
  });
}

void BatchPipeline::start(std::int64_t first, std::int64_t end) {
  stop();
  stopping_ = false;
  failure_ = nullptr;
  end_ = end;
  released_ = first;
  next_ = {first, 0, 0};
  std::fill(ready_step_.begin(), ready_step_.end(), -1);
  const cpu::HeldSignals held;  // they are for the thread that trains
  for (int i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { work(); });
}

void BatchPipeline::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void BatchPipeline::wait(std::int64_t step) {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  const auto is_ready = [&] { return ready_step_[slot_of(step)] == step; };
  delivered_.wait(lock, [&] { return is_ready() || failure_ != nullptr; });
  seconds_waited_ +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!is_ready()) std::rethrow_exception(failure_);
}

void BatchPipeline::release(std::int64_t step) {
  {
    const std::lock_guard lock(mutex_);
    released_ = step;
  }
  work_.notify_all();
}

// What a thread does until there is nothing left to do.
void BatchPipeline::work() {
  try {
    while (const std::optional<Task> task = claim()) {
      fill(*task);
      if (!stopping_ && completes(*task)) deliver(task->step);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (failure_ == nullptr) failure_ = std::current_exception();
    stopping_ = true;
    work_.notify_all();
    delivered_.notify_all();
  }
}

std::optional<BatchPipeline::Task> BatchPipeline::claim() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] {
    return stopping_ || next_.step >= end_ || next_.step < released_ + slots_.count;
  });
  if (stopping_ || next_.step >= end_) return std::nullopt;
  const std::int64_t size = size_of(next_.step);
  if (next_.first == 0) missing_[slot_of(next_.step)] = size;
  const Task task{next_.step, next_.first, std::min(rows_of_task_, size - next_.first)};
  next_.first += task.rows;
  if (next_.first == size) next_ = {next_.step + 1, 0, 0};
  return task;
}

void BatchPipeline::fill(const Task& task) {
  const RowVariation variation{variation_,
                               static_cast<std::uint64_t>(task.step / order_.steps_per_epoch)};
  const std::size_t slot_begin = slot_of(task.step) * static_cast<std::size_t>(order_.batch);
  for (std::int64_t i = task.first; i < task.first + task.rows && !stopping_; ++i) {
    const std::int64_t index = batch_index(order_, task.step, i);
    const std::size_t place = slot_begin + static_cast<std::size_t>(i);
    rows_->read(index, variation,
                {slots_.observations + place * observation_bytes_, observation_bytes_});
    if (slots_.targets != nullptr)
      std::copy_n(&targets_[static_cast<std::size_t>(index) * target_bytes_], target_bytes_,
                  slots_.targets + place * target_bytes_);
  }
}

bool BatchPipeline::completes(const Task& task) {
  const std::lock_guard lock(mutex_);
  return (missing_[slot_of(task.step)] -= task.rows) == 0;
}

void BatchPipeline::deliver(std::int64_t step) {
  {
    const std::lock_guard lock(deliver_mutex_);
    deliver_(static_cast<std::int64_t>(slot_of(step)));
  }
  const std::lock_guard lock(mutex_);
  ready_step_[slot_of(step)] = step;
  delivered_.notify_all();
}

std::int64_t BatchPipeline::size_of(std::int64_t step) const {
  const std::int64_t position = step % order_.steps_per_epoch;
  return std::min(order_.batch, order_.count - position * order_.batch);
}

}  // namespace engine
