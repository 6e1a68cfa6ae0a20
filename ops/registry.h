// What the ops bring to the compiler beside their meaning, and the call that makes them all known.
#pragma once

#include "graph/passes/pass.h"

namespace engine {

/// Passed to each register_<stem>_op function.
struct OpRegistry {
  graph::PassRegistry& passes;
};

/// Makes the built-in passes, ops, references and CPU candidates known; safe to call more than
/// once, from any thread. Every entry point of the library calls it.
void initialize();

}  // namespace engine
