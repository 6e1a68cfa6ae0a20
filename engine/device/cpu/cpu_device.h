// The CPU as a device: memory from the heap, streams that run at once, threads of the OpenMP pool.
#pragma once

#include <memory>

#include "engine/device/device.h"

namespace engine::cpu {

/// `threads` 0 means one a core that this process may run on.
std::unique_ptr<Device> make_cpu_device(int threads);
/// The CPU's model name with its SIMD level, "Intel(R) Xeon(R) … · avx512_core".
std::string cpu_description();

}  // namespace engine::cpu
