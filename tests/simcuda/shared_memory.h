// The shared memory of the one block that runs: 227 KiB, handed out as kernels name their
// variables. Bytes that belong to no variable are poisoned for AddressSanitizer, and every block
// finds its variables filled with 0xFF (NaN), so that reading before writing shows.
#pragma once

#include <cstddef>
#include <vector>

namespace simcuda {

constexpr std::size_t shared_bytes_default = 48 * 1024;
constexpr std::size_t shared_bytes_opt_in = 227 * 1024;

class SharedMemory {
 public:
  void begin_launch(std::size_t dynamic_bytes);
  void begin_block();
  void end_launch();

  // The variable known by `identity`, placed on first sight; null where the limit is passed.
  void* variable(const void* identity, std::size_t bytes, std::size_t alignment);
  void* dynamic() { return dynamic_; }
  std::size_t static_bytes() const { return static_bytes_; }
  bool contains(const void* address) const;

 private:
  struct Variable {
    const void* identity;
    char* address;
    std::size_t bytes;
  };
  std::vector<Variable> variables_;
  char* dynamic_ = nullptr;
  std::size_t dynamic_bytes_ = 0;
  std::size_t static_bytes_ = 0;
  std::size_t used_ = 0;

  char* place(std::size_t bytes, std::size_t alignment);
};

}  // namespace simcuda
