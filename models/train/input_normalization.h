// What is done to an observation before the network sees it.
#pragma once

#include "kernels/gather.h"
#include "models/zoo/zoo.h"

namespace engine {

/// (x · scale - input_mean) / input_deviation of the model, by channel, as what a gather does:
/// scale is input_scale for observations of u8, 1 for numbers. Throws OptionError unless mean and
/// deviation are numbers of up to 1e15, the deviation from 1e-15, one for all channels or one for
/// each.
GatherAttributes input_normalization(const ModelDefinition& model, DType observation);

}  // namespace engine
