#include "work_queue.h"

#include <algorithm>

#include "memory.h"
#include "random.h"

namespace simcuda {

WorkQueue& work_queue() {
  static WorkQueue* const queue = new WorkQueue;  // outlives every static destructor
  return *queue;
}

OperationPointer WorkQueue::submit(std::function<void()> work,
                                   const std::vector<OperationPointer>& after, const void* lane,
                                   bool host_code) {
  auto operation = std::make_shared<Operation>();
  operation->work = std::move(work);
  operation->host_code = host_code;
  operation->lane = lane;
  operation->ticket = tickets_++;
  for (const OperationPointer& earlier : after) {
    if (earlier == nullptr || earlier->done) continue;
    earlier->dependents.push_back(operation);
    ++operation->unmet;
  }
  if (operation->unmet == 0) ready_.push_back(operation);
  return operation;
}

std::size_t WorkQueue::choose() const {
  Schedule& order = schedule();
  if (!order.shuffled) {
    const auto first =
        std::min_element(ready_.begin(), ready_.end(),
                         [](const auto& a, const auto& b) { return a->ticket < b->ticket; });
    return static_cast<std::size_t>(first - ready_.begin());
  }
  const auto any = order.random.below(static_cast<std::uint32_t>(ready_.size()));
  if (order.random.below(1000) >= stickiness_) return any;
  for (std::size_t i = 0; i < ready_.size(); ++i)
    if (ready_[i]->lane == last_lane_) return i;
  return any;
}

void WorkQueue::run_one() {
  const std::size_t chosen = choose();
  const OperationPointer operation = ready_[chosen];
  ready_[chosen] = ready_.back();
  ready_.pop_back();
  last_lane_ = operation->lane;
  running_ = true;
  if (operation->work) {
    if (operation->host_code) device_memory().close();
    operation->work();
    if (operation->host_code) device_memory().open();
  }
  running_ = false;
  operation->done = true;
  operation->work = nullptr;
  for (const OperationPointer& dependent : operation->dependents)
    if (--dependent->unmet == 0) ready_.push_back(dependent);
  operation->dependents.clear();
}

// Orders that interleave streams finely find other mistakes than those that let one run far ahead.
void WorkQueue::begin_round() {
  constexpr std::uint32_t choices[] = {0, 500, 900, 990};
  stickiness_ = choices[schedule().random.below(4)];
}

void WorkQueue::run_until(const OperationPointer& operation) {
  if (operation == nullptr || operation->done) return;
  const DeviceAccess access;
  begin_round();
  while (!operation->done) run_one();
}

void WorkQueue::run_some(const OperationPointer& wanted) {
  if (wanted == nullptr || wanted->done) return;
  const DeviceAccess access;
  begin_round();
  const std::uint32_t steps = schedule().shuffled ? 1 + schedule().random.below(8) : 1;
  for (std::uint32_t step = 0; step < steps && !wanted->done; ++step) run_one();
}

void WorkQueue::run_all() {
  if (ready_.empty()) return;
  const DeviceAccess access;
  begin_round();
  while (!ready_.empty()) run_one();
}

}  // namespace simcuda
