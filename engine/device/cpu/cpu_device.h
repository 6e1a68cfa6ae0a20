// The CPU as a device: memory from the heap, streams that run at once, threads of the OpenMP pool.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/device/device.h"

namespace engine::cpu {

/// `threads` 0 means one a core that this process may run on.
std::unique_ptr<Device> make_cpu_device(int threads);
/// What reports say of the CPU.
struct CpuFacts {
  std::string model;       ///< "Intel(R) Xeon(R) …"
  std::string level;       ///< what it can execute: "x86-64-v4", or "baseline"
  std::string onednn;      ///< version and commit of oneDNN
  std::string onednn_isa;  ///< the instructions that oneDNN uses: "avx512_core"
  int cores = 1;           ///< physical ones that this process may use, after quotas
  std::size_t memory = 0;  ///< bytes that the machine has
};
CpuFacts cpu_facts();

}  // namespace engine::cpu
