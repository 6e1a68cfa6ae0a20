// CUDA runtime entry points: stream capture, graphs and their replay.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "faults.h"
#include "stream.h"

namespace simcuda {

cudaError_t join_capture(Stream& stream, const Event& event) {
  const auto capture = event.capture.lock();
  if (capture == nullptr || stream.legacy) {
    if (stream.capture != nullptr) stream.capture->invalid = true;
    return cudaErrorStreamCaptureIsolation;
  }
  if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (stream.capture != nullptr && stream.capture != capture) {
    stream.capture->invalid = capture->invalid = true;
    return cudaErrorStreamCaptureMerge;
  }
  if (stream.capture == nullptr) {
    stream.capture = capture;
    stream.captured_tails.clear();
    capture->members.push_back(&stream);
  }
  for (const std::size_t tail : event.captured_tails)
    if (std::count(stream.captured_tails.begin(), stream.captured_tails.end(), tail) == 0)
      stream.captured_tails.push_back(tail);
  return cudaSuccess;
}

cudaError_t refuse_captured_event(const Event& event) {
  if (const auto capture = event.capture.lock()) capture->invalid = true;
  return cudaErrorCapturedEvent;
}

namespace {

cudaError_t end_capture(Stream& stream, cudaGraph_t* out) {
  const auto capture = stream.capture;
  if (capture == nullptr) return cudaErrorIllegalState;
  if (capture->origin != &stream) {
    capture->invalid = true;
    return cudaErrorStreamCaptureUnmatched;
  }
  const bool same_thread = capture->thread == std::this_thread::get_id();
  if (!same_thread && capture->mode != cudaStreamCaptureModeRelaxed)
    return cudaErrorStreamCaptureWrongThread;
  const bool joined = capture->joined(stream.captured_tails);
  for (Stream* member : capture->members) {
    member->capture = nullptr;
    member->captured_tails.clear();
  }
  std::erase(active_captures(), capture);
  if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (!joined) return cudaErrorStreamCaptureUnjoined;
  *out = graphs().add(capture->graph);
  return cudaSuccess;
}

}  // namespace
}  // namespace simcuda

using namespace simcuda;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->legacy) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture != nullptr) return cudaErrorIllegalState;
    auto capture = std::make_shared<Capture>();
    capture->origin = stream.get();
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->members = {stream.get()};
    stream->captured_tails.clear();
    stream->capture = capture;
    active_captures().push_back(std::move(capture));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* out) {
  return enter(Call::release, [=] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = nullptr;
    const auto stream = find_stream(handle);
    return stream == nullptr ? cudaErrorInvalidResourceHandle : end_capture(*stream, out);
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (status == nullptr) return cudaErrorInvalidValue;
    *status = cudaStreamCaptureStatusNone;
    if (stream->capture != nullptr)
      *status = stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                         : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t handle,
                                 unsigned long long flags) {
  return enter(Call::ordinary, [=] {
    const auto graph = graphs().find(handle);
    if (out == nullptr || graph == nullptr || flags != 0) return cudaErrorInvalidValue;
    auto executable = std::make_shared<ExecutableGraph>();
    executable->nodes = graph->nodes;
    *out = executable_graphs().add(std::move(executable));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t handle, cudaStream_t stream_handle) {
  return enter(Call::ordinary, [=] {
    if (executable_graphs().find(handle) == nullptr) return cudaErrorInvalidValue;
    return find_stream(stream_handle) == nullptr ? cudaErrorInvalidResourceHandle : cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream_handle) {
  return enter(Call::ordinary, [=] {
    const auto executable = executable_graphs().find(handle);
    const auto stream = find_stream(stream_handle);
    if (executable == nullptr) return cudaErrorInvalidValue;
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_captured(*stream)) return error;
    stream->tail = replay(*executable, dependencies(*stream), stream.get());
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t handle, cudaGraphNode_t* nodes, size_t* count) {
  return enter(Call::ordinary, [=] {
    const auto graph = graphs().find(handle);
    // Only the count: nodes have no handles here.
    if (graph == nullptr || count == nullptr || nodes != nullptr) return cudaErrorInvalidValue;
    *count = graph->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle) {
  return enter(Call::release,
               [=] { return graphs().remove(handle) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t handle) {
  return enter(Call::release, [=] {
    return executable_graphs().remove(handle) ? cudaSuccess : cudaErrorInvalidValue;
  });
}
