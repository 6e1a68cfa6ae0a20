// Conversions of matrices by the engine's own loops, where oneDNN's reorders are slow.
#pragma once

#include <functional>

#include "kernels/onednn/engine.h"

namespace engine::onednn {

/// Writes the matrix at the first pointer to the second.
using Conversion = std::function<void(const void* from, void* to)>;

/// From `given`, a plain f32 matrix, to `wanted`: the same layout in bf16, or one in pairs (see
/// kernels/cpu/pack_pairs.h). Empty for any other conversion.
Conversion make_conversion(const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);

}  // namespace engine::onednn
