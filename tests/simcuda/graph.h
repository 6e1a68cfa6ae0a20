// Recorded work: a graph of closures with their dependencies, the capture that records one from the
// calls made on streams, and its replay.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "handles.h"
#include "work_queue.h"

namespace simcuda {

struct Stream;

struct Node {
  std::function<void()> work;
  bool host_code = false;
  std::vector<std::size_t> after;  // positions of earlier nodes
};

struct Graph {
  std::vector<std::shared_ptr<const Node>> nodes;
};

struct ExecutableGraph {
  std::vector<std::shared_ptr<const Node>> nodes;
  OperationPointer last_replay;  // replays of one graph never overlap
};

struct Capture {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  Stream* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool invalid = false;
  std::vector<Stream*> members;

  // True if every node comes before one of `tails`: nothing was left unjoined.
  bool joined(const std::vector<std::size_t>& tails) const;
};

// Submits a replay after `after`; answers the operation that ends it.
OperationPointer replay(ExecutableGraph& graph, const std::vector<OperationPointer>& after,
                        const void* lane);

HandleTable<cudaGraph_t, Graph>& graphs();
HandleTable<cudaGraphExec_t, ExecutableGraph>& executable_graphs();

// Captures that go on, in any thread.
std::vector<std::shared_ptr<Capture>>& active_captures();

}  // namespace simcuda
