#include "stream.h"

#include <map>
#include <utility>

#include "devices.h"

namespace simcuda {
namespace {

std::shared_ptr<Stream> legacy_stream(int device) {
  static auto* const legacy = new std::map<int, std::shared_ptr<Stream>>;
  std::shared_ptr<Stream>& stream = (*legacy)[device];
  if (stream == nullptr) {
    stream = std::make_shared<Stream>();
    stream->device = device;
    stream->legacy = true;
  }
  return stream;
}

// Work on the default stream would have to wait for streams under capture: the capture is lost.
cudaError_t check_implicit_dependency(const Stream& stream) {
  if (!stream.legacy) return cudaSuccess;
  cudaError_t error = cudaSuccess;
  for (const auto& entry : streams()) {
    const Stream& other = *entry.second;
    if (other.capture == nullptr || !other.blocking() || other.device != stream.device) continue;
    other.capture->invalid = true;
    error = cudaErrorStreamCaptureImplicit;
  }
  return error;
}

cudaError_t record_node(Stream& stream, std::function<void()> work, bool host_code) {
  Capture& capture = *stream.capture;
  if (capture.invalid) return cudaErrorStreamCaptureInvalidated;
  capture.graph->nodes.push_back(
      std::make_shared<Node>(Node{std::move(work), host_code, stream.captured_tails}));
  stream.captured_tails = {capture.graph->nodes.size() - 1};
  return cudaSuccess;
}

}  // namespace

HandleTable<cudaStream_t, Stream>& streams() {
  static auto* const table = new HandleTable<cudaStream_t, Stream>;
  return *table;
}

HandleTable<cudaEvent_t, Event>& events() {
  static auto* const table = new HandleTable<cudaEvent_t, Event>;
  return *table;
}

std::shared_ptr<Stream> find_stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return legacy_stream(current_device());
  auto stream = streams().find(handle);
  return stream != nullptr && stream->device == current_device() ? stream : nullptr;
}

std::vector<OperationPointer> dependencies(const Stream& stream) {
  std::vector<OperationPointer> after{stream.tail};
  if (stream.legacy) {
    for (const auto& entry : streams())
      if (entry.second->blocking() && entry.second->device == stream.device)
        after.push_back(entry.second->tail);
  } else if (stream.blocking()) {
    after.push_back(legacy_stream(stream.device)->tail);
  }
  return after;
}

cudaError_t enqueue(Stream& stream, std::function<void()> work, bool host_code) {
  if (stream.capture != nullptr) return record_node(stream, std::move(work), host_code);
  if (const cudaError_t error = check_implicit_dependency(stream)) return error;
  stream.tail = work_queue().submit(std::move(work), dependencies(stream), &stream, host_code);
  return cudaSuccess;
}

cudaError_t refuse_if_captured(Stream& stream) {
  if (stream.capture != nullptr) {
    const bool was_invalid = std::exchange(stream.capture->invalid, true);
    return was_invalid ? cudaErrorStreamCaptureInvalidated : cudaErrorStreamCaptureUnsupported;
  }
  return check_implicit_dependency(stream);
}

void synchronize(Stream& stream) {
  for (const OperationPointer& operation : dependencies(stream)) work_queue().run_until(operation);
}

void synchronize_device(int device) {
  work_queue().run_until(legacy_stream(device)->tail);
  for (const auto& entry : streams())
    if (entry.second->device == device) work_queue().run_until(entry.second->tail);
}

}  // namespace simcuda
