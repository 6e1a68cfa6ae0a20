// CUDA runtime entry points: streams and events.
#include <cuda_runtime_api.h>

#include <algorithm>

#include "devices.h"
#include "faults.h"
#include "stream.h"

using namespace simcuda;

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* out, unsigned flags, int priority) {
  return enter(Call::ordinary, [=] {
    if (out == nullptr || (flags & ~unsigned{cudaStreamNonBlocking}) != 0)
      return cudaErrorInvalidValue;
    auto stream = std::make_shared<Stream>();
    stream->device = current_device();
    stream->flags = flags;
    stream->priority = priority;
    *out = streams().add(std::move(stream));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags) {
  return cudaStreamCreateWithPriority(out, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t* out) {
  return cudaStreamCreateWithPriority(out, cudaStreamDefault, 0);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return enter(Call::release, [=] {
    const auto stream = streams().find(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture != nullptr) {
      stream->capture->invalid = true;
      std::erase(stream->capture->members, stream.get());
      std::erase(active_captures(), stream->capture);
    }
    work_queue().run_until(stream->tail);
    streams().remove(handle);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_captured(*stream)) return error;
    synchronize(*stream);
    return faults().sticky();
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_captured(*stream)) return error;
    work_queue().run_some(stream->tail);
    const bool done = stream->tail == nullptr || stream->tail->done;
    return done ? faults().sticky() : cudaErrorNotReady;
  });
}

cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned* flags) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (flags == nullptr) return cudaErrorInvalidValue;
    *flags = stream->flags;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned flags) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    const auto event = events().find(event_handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (flags != cudaEventWaitDefault) return cudaErrorInvalidValue;
    if (event->captured) return join_capture(*stream, *event);
    if (stream->capture != nullptr) {
      if (event->record == nullptr) return cudaSuccess;
      stream->capture->invalid = true;
      return cudaErrorStreamCaptureIsolation;
    }
    auto after = dependencies(*stream);
    after.push_back(event->record);
    stream->tail = work_queue().submit({}, after, stream.get());
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* argument) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (function == nullptr) return cudaErrorInvalidValue;
    return enqueue(
        *stream, [=] { function(argument); }, true);
  });
}

cudaError_t cudaDeviceSynchronize(void) {
  return enter(Call::unsafe, [] {
    synchronize_device(current_device());
    return faults().sticky();
  });
}

// -- events --------------------------------------------------------------------------------------

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags) {
  return enter(Call::ordinary, [=] {
    constexpr unsigned known = cudaEventBlockingSync | cudaEventDisableTiming;
    if (out == nullptr || (flags & ~known) != 0) return cudaErrorInvalidValue;
    auto event = std::make_shared<Event>();
    event->flags = flags;
    *out = events().add(std::move(event));
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* out) {
  return cudaEventCreateWithFlags(out, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return enter(Call::release, [=] {
    return events().remove(handle) ? cudaSuccess : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(stream_handle);
    const auto event = events().find(handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture != nullptr) {
      if (stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
      event->captured = true;
      event->capture = stream->capture;
      event->captured_tails = stream->captured_tails;
      return cudaSuccess;
    }
    auto time = std::make_shared<Event::Clock::time_point>();
    const cudaError_t error = enqueue(*stream, [time] { *time = Event::Clock::now(); });
    if (error != cudaSuccess) return error;
    event->captured = false;
    event->time = time;
    event->record = stream->tail;
    return cudaSuccess;
  });
}

// An external record inside a capture is a node of the graph: each replay records the event anew.
cudaError_t cudaEventRecordWithFlags(cudaEvent_t handle, cudaStream_t stream_handle,
                                     unsigned flags) {
  if (flags == cudaEventRecordDefault) return cudaEventRecord(handle, stream_handle);
  return enter(Call::ordinary, [=] {
    const auto stream = find_stream(stream_handle);
    const auto event = events().find(handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (flags != cudaEventRecordExternal || stream->capture == nullptr)
      return cudaErrorInvalidValue;
    event->captured = false;
    return enqueue(*stream, [event] {
      event->time = std::make_shared<Event::Clock::time_point>(Event::Clock::now());
      event->record = std::make_shared<Operation>();
      event->record->done = true;
    });
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return enter(Call::ordinary, [=] {
    const auto event = events().find(handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (event->captured) return refuse_captured_event(*event);
    if (const cudaError_t error = check_unsafe_call()) return error;
    work_queue().run_until(event->record);
    return faults().sticky();
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return enter(Call::ordinary, [=] {
    const auto event = events().find(handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (event->captured) return refuse_captured_event(*event);
    if (const cudaError_t error = check_unsafe_call()) return error;
    work_queue().run_some(event->record);
    const bool done = event->record == nullptr || event->record->done;
    return done ? faults().sticky() : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return enter(Call::ordinary, [=] {
    const auto first = events().find(start);
    const auto last = events().find(end);
    if (milliseconds == nullptr) return cudaErrorInvalidValue;
    if (first == nullptr || last == nullptr) return cudaErrorInvalidResourceHandle;
    for (const Event* event : {first.get(), last.get()}) {
      const bool timed = (event->flags & cudaEventDisableTiming) == 0;
      if (!timed || event->record == nullptr) return cudaErrorInvalidResourceHandle;
      if (!event->record->done) return cudaErrorNotReady;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*last->time - *first->time).count();
    return cudaSuccess;
  });
}
