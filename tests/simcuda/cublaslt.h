// The simulated cuBLASLt's objects, counted for the leak report.
#pragma once

#include <cstddef>

namespace simcuda {

std::size_t cublaslt_handles();
std::size_t cublaslt_descriptors();

}  // namespace simcuda
