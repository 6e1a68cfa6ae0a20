// cuDNN's RNN API as a candidate of recurrent layers and of their gradients.
#pragma once

#include "engine/tune/registry.h"
#include "kernels/recurrent.h"

namespace engine::cuda {

/// Registers "cudnn.rnn" for a cell, kLstm or kGruResetAfter, and its gradient.
void add_cudnn_rnn(CandidateRegistry& registry, const RecurrentCell& cell);

}  // namespace engine::cuda
