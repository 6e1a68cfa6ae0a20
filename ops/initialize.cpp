#include <mutex>

#include "engine/tune/registry.h"
#include "ops/registry.h"

namespace engine {

// Generated from the list of ops.
void register_ops(OpRegistry& registry);
void register_references(ReferenceRegistry& registry);
void register_candidates(CandidateRegistry& registry);

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    graph::PassRegistry& passes = graph::PassRegistry::global();
    passes.add(graph::common_subexpressions_pass());
    passes.add(graph::dead_code_pass());
    passes.add(graph::in_place_pass());
    OpRegistry ops{passes};
    register_ops(ops);
    register_references(ReferenceRegistry::global());
    register_candidates(CandidateRegistry::global());
  });
}

}  // namespace engine
