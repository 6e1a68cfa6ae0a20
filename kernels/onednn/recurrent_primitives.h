// oneDNN's LSTM and GRU primitives as candidates. What they keep of a forward pass is in a format
// of their own, so they serve layers that keep no gates.
#pragma once

#include "engine/tune/registry.h"
#include "kernels/recurrent.h"

namespace engine::onednn {

/// Registers "onednn.rnn" for a cell, which must outlive it.
void add_recurrent(CandidateRegistry& registry, const RecurrentCell& cell);

}  // namespace engine::onednn
