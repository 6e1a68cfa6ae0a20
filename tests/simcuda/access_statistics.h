// How well the accesses of a kernel use memory: sectors per request for global memory, wavefronts
// per request for shared memory.
//
// A request is what one instruction of one warp asks for. Lanes run one after another here, so the
// i-th execution of an instruction by each lane of a warp is taken for the same request, complete
// when all lanes have come, or when the block ends.
#pragma once

#include <simcuda/control.h>
#include <simcuda/kernel.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "race.h"

namespace simcuda {

class AccessStatistics {
 public:
  void begin_launch(const Geometry& geometry);
  void end_block();
  void access(const void* address, std::size_t bytes, AccessKind kind, bool shared,
              const void* instruction);

  std::size_t kernels(SimcudaKernelAccesses* out, std::size_t capacity) const;
  std::size_t sites(SimcudaSiteAccesses* out, std::size_t capacity) const;
  void forget();

 private:
  struct Request {
    unsigned lanes = 0;  // mask
    bool counted = false;
    std::array<std::uintptr_t, 32> addresses{};
  };
  struct WarpRequests {
    std::deque<Request> open;
    std::uint32_t first = 0;  // number of the first open request
  };
  struct Site {
    const void* instruction;
    AccessKind kind;
    bool shared;
    std::size_t bytes;  // of each lane
    SimcudaAccesses totals{};
    bool touched = false;  // in the present block
    std::vector<std::uint32_t> executions;
    std::vector<WarpRequests> warps;
  };
  struct Kernel {
    std::uint64_t launches = 0;
    std::unordered_map<std::uintptr_t, std::unique_ptr<Site>> sites;
  };

  std::map<const void*, Kernel> kernels_;
  Kernel* current_ = nullptr;
  unsigned threads_ = 0;
  std::vector<Site*> touched_;

  Site& find_site(std::size_t bytes, AccessKind kind, bool shared, const void* instruction);
  void touch(Site& site);
  unsigned full_mask(unsigned warp) const;
  static void count(Site& site, Request& request);
};

struct GlobalRequest {
  std::uint64_t sectors;
  std::uint64_t ideal;
};
// For lanes that each access `bytes` bytes at their address.
GlobalRequest measure_global(std::vector<std::uintptr_t> addresses, std::size_t bytes);

struct SharedRequest {
  std::uint64_t wavefronts;
  std::uint64_t ideal;
};
SharedRequest measure_shared(const std::array<std::uintptr_t, 32>& addresses, unsigned lanes,
                             std::size_t bytes);

}  // namespace simcuda
