// oneDNN's LSTM and GRU primitives as candidates. What they keep of a forward pass is in a format
// of their own, so they serve layers that keep no gates; and as gradients those that go through the
// sequences once more, into the workspace, and then back.
#pragma once

#include "engine/tune/registry.h"
#include "kernels/recurrent.h"

namespace engine::onednn {

/// Registers "onednn.rnn" for a cell and its gradient. `cell` must outlive it.
void add_recurrent(CandidateRegistry& registry, const RecurrentCell& cell);

}  // namespace engine::onednn
