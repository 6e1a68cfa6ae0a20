// What the environment asks of the simulated device at start and at simcuda_reset.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simcuda {

std::size_t environment_memory();  // SIMCUDA_MEMORY in bytes, 1 GiB where unset
int environment_devices();         // SIMCUDA_DEVICES, 1 where unset

struct EnvironmentFault {
  std::uint64_t call = 0;  // 0: none
  int error = 0;
};
EnvironmentFault environment_fault();  // SIMCUDA_FAIL=n:code

std::uint64_t environment_seed();  // SIMCUDA_SEED, 1 where unset

}  // namespace simcuda
