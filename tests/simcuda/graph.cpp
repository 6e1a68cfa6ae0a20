#include "graph.h"

#include <algorithm>

#include "faults.h"

namespace simcuda {
namespace {

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

// The rule of cudaThreadExchangeStreamCaptureMode's documentation.
bool forbids_unsafe_calls(const Capture& capture) {
  if (capture.mode == cudaStreamCaptureModeRelaxed) return false;
  if (thread_mode == cudaStreamCaptureModeRelaxed) return false;
  if (capture.thread == std::this_thread::get_id()) return true;
  return thread_mode == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
}

}  // namespace

bool Capture::joined(const std::vector<std::size_t>& tails) const {
  std::vector<bool> reached(graph->nodes.size(), false);
  for (const std::size_t tail : tails) reached[tail] = true;
  // Dependencies point to earlier nodes, so one pass backwards reaches everything.
  for (std::size_t i = reached.size(); i-- > 0;)
    if (reached[i])
      for (const std::size_t earlier : graph->nodes[i]->after) reached[earlier] = true;
  return std::find(reached.begin(), reached.end(), false) == reached.end();
}

OperationPointer replay(ExecutableGraph& graph, const std::vector<OperationPointer>& after,
                        const void* lane) {
  WorkQueue& queue = work_queue();
  std::vector<OperationPointer> entry_after = after;
  entry_after.push_back(graph.last_replay);
  const OperationPointer entry = queue.submit({}, entry_after, lane);
  std::vector<OperationPointer> submitted;
  submitted.reserve(graph.nodes.size());
  for (const auto& node : graph.nodes) {
    std::vector<OperationPointer> node_after{entry};
    for (const std::size_t earlier : node->after) node_after.push_back(submitted[earlier]);
    submitted.push_back(queue.submit([node] { node->work(); }, node_after, lane, node->host_code));
  }
  graph.last_replay = queue.submit({}, submitted, lane);
  return graph.last_replay;
}

HandleTable<cudaGraph_t, Graph>& graphs() {
  static auto* const table = new HandleTable<cudaGraph_t, Graph>;
  return *table;
}

HandleTable<cudaGraphExec_t, ExecutableGraph>& executable_graphs() {
  static auto* const table = new HandleTable<cudaGraphExec_t, ExecutableGraph>;
  return *table;
}

std::vector<std::shared_ptr<Capture>>& active_captures() {
  static auto* const captures = new std::vector<std::shared_ptr<Capture>>;
  return *captures;
}

cudaError_t check_unsafe_call() {
  bool forbidden = false;
  for (const auto& capture : active_captures())
    if (forbids_unsafe_calls(*capture)) forbidden = capture->invalid = true;
  return forbidden ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

}  // namespace simcuda

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return simcuda::enter(simcuda::Call::ordinary, [=] {
    if (mode == nullptr) return cudaErrorInvalidValue;
    std::swap(*mode, simcuda::thread_mode);
    return cudaSuccess;
  });
}
