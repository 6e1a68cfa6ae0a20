// The candidates of convolution on CUDA that have files of their own.
#pragma once

#include "engine/tune/registry.h"

namespace engine::cuda {

void register_winograd_convolution(CandidateRegistry& registry);

}  // namespace engine::cuda
