// Streams and events over the work queue. Work on a stream goes either to the queue, chained behind
// what the stream holds, or, while the stream is captured, into the capture's graph.
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "graph.h"
#include "handles.h"
#include "work_queue.h"

namespace simcuda {

struct Stream {
  int device = 0;
  unsigned flags = cudaStreamDefault;
  int priority = 0;
  bool legacy = false;  // the default stream, which blocking streams synchronize with
  OperationPointer tail;
  std::shared_ptr<Capture> capture;
  std::vector<std::size_t> captured_tails;

  bool blocking() const { return !legacy && (flags & cudaStreamNonBlocking) == 0; }
};

struct Event {
  using Clock = std::chrono::steady_clock;
  unsigned flags = cudaEventDefault;
  OperationPointer record;                  // of the last cudaEventRecord
  std::shared_ptr<Clock::time_point> time;  // set when that record is executed
  std::weak_ptr<Capture> capture;           // where the last record was captured
  std::vector<std::size_t> captured_tails;
  bool captured = false;
};

HandleTable<cudaStream_t, Stream>& streams();
HandleTable<cudaEvent_t, Event>& events();

// Null for a handle that is none, or of another device than the current one. 0 and
// cudaStreamLegacy mean the default stream of the current device.
std::shared_ptr<Stream> find_stream(cudaStream_t handle);

// Puts work on a stream: cudaSuccess, or why the capture refuses it.
cudaError_t enqueue(Stream& stream, std::function<void()> work, bool host_code = false);

// What a new operation of the stream must come after.
std::vector<OperationPointer> dependencies(const Stream& stream);

// For calls that cannot be captured: cudaSuccess, or the capture's refusal, which ends the capture.
cudaError_t refuse_if_captured(Stream& stream);

// A stream waits for a captured event: it joins that capture, after the work the event stands for.
cudaError_t join_capture(Stream& stream, const Event& event);

// The host cannot wait for an event of a capture: the capture is lost.
cudaError_t refuse_captured_event(const Event& event);

void synchronize(Stream& stream);
void synchronize_device(int device);

}  // namespace simcuda
