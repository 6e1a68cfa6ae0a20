// Everything asynchronous: operations with dependencies, executed only when somebody waits, in a
// random order among those whose dependencies are met. A stream is no more than a chain of
// dependencies; an event, a dependency across chains; a replayed graph, many of them at once. So a
// missing cudaStreamWaitEvent is a missing dependency, and shows as a wrong result under some seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace simcuda {

struct Operation {
  std::function<void()> work;  // empty where the operation only joins others
  bool host_code = false;      // runs with device memory closed
  const void* lane = nullptr;  // the stream it came from
  std::uint64_t ticket = 0;    // program order
  unsigned unmet = 0;
  bool done = false;
  std::vector<std::shared_ptr<Operation>> dependents;
};

using OperationPointer = std::shared_ptr<Operation>;

class WorkQueue {
 public:
  // Operations already done, and null ones, are no dependency.
  OperationPointer submit(std::function<void()> work, const std::vector<OperationPointer>& after,
                          const void* lane, bool host_code = false);

  void run_until(const OperationPointer& operation);  // null: nothing to wait for
  void run_some(const OperationPointer& wanted);      // a little progress, for queries that poll
  void run_all();
  bool running() const { return running_; }

 private:
  std::vector<OperationPointer> ready_;
  std::uint64_t tickets_ = 0;
  bool running_ = false;
  const void* last_lane_ = nullptr;
  std::uint32_t stickiness_ = 0;  // chance in 1000 to stay on the lane of the last operation

  void begin_round();
  void run_one();
  std::size_t choose() const;
};

WorkQueue& work_queue();

}  // namespace simcuda
