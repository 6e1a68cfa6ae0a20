// cast: x f32[...] or bf16[...] -> y of x's shape in the other type (attribute "to", its name).
// f32 -> bf16 rounds to nearest, ties to even; NaN stays NaN. bf16 -> f32 is exact.
#pragma once

#include <string>

#include "engine/tune/problem.h"

namespace engine {

/// Why a problem is refused, or "".
std::string refuse_cast(const Problem& problem);

}  // namespace engine
