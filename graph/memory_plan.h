// Where every value of a graph lives, decided before anything is allocated: state in its own
// buffers, everything else at an offset of one arena, overlapping only where lifetimes do not.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/ir.h"

namespace engine::graph {

/// Storage of one value: a state's buffer, or an offset into the arena.
struct Placement {
  const std::string* state = nullptr;  ///< nullptr: the arena
  std::size_t offset = 0;
};

/// One arena interval, for drawings and checks. Steps count nodes in schedule order, both
/// inclusive.
struct Lifetime {
  std::string what;  ///< value name, or the node whose workspace it is
  std::size_t offset, bytes;
  int first_step, last_step;
};

struct MemoryPlan {
  std::unordered_map<const Value*, Placement> placements;
  std::unordered_map<const Node*, std::size_t> workspaces;  ///< offsets
  std::size_t arena_bytes = 0;
  std::vector<Lifetime> lifetimes;

  /// Throws InternalError when two lifetimes that overlap in time overlap in memory.
  void verify() const;
};

/// `workspace` gives the bytes each node's kernel asked for; offsets are multiples of `alignment`.
MemoryPlan plan_memory(const Graph& graph,
                       const std::unordered_map<const Node*, std::size_t>& workspace,
                       std::size_t alignment);

}  // namespace engine::graph
