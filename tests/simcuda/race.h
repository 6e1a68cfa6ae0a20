// Finds data races between the threads of a launch, on any schedule: two accesses to the same
// bytes, at least one a write and not both atomic, with no synchronization between them. Order
// comes from block barriers, __syncwarp, and, between blocks, from a fence before an atomic that
// the other block's atomic on the same address follows (the "last block" pattern).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace simcuda {

enum class AccessKind : std::uint8_t { load, store, atomic_load, atomic };

class RaceDetector {
 public:
  void begin_launch();
  void begin_block(std::uint64_t block);
  void synchronize_block() { ++epoch_; }
  void synchronize_warp(unsigned warp, unsigned mask);
  void fence();

  // By the current thread. `unraced`: of a kind that never races with its like (atomic, volatile).
  void access(const void* address, std::size_t bytes, AccessKind kind, bool unraced, bool shared,
              const void* instruction);

  std::uint64_t count() const { return reported_.size(); }
  void forget() { reported_.clear(); }

 private:
  struct Access {
    const void* instruction = nullptr;  // null: there was none
    std::uint32_t block = 0;
    std::uint32_t epoch = 0;
    std::uint32_t warp_time = 0;
    std::uint16_t thread = 0;
    bool unraced = false;
  };
  // What is remembered of some bytes: the last write, and reads by two different threads, of which
  // a racing write must conflict with at least one.
  struct Cell {
    Access write;
    std::array<Access, 2> reads;
  };
  // A word and, once an access to a part of it was seen, its bytes.
  struct Word {
    std::uint64_t generation = 0;  // what an earlier launch or block left does not count
    Cell whole;
    std::unique_ptr<std::array<Cell, 4>> bytes;
  };
  static constexpr std::size_t page_words = 4096;
  using Page = std::array<Word, page_words>;

  std::unordered_map<std::uintptr_t, std::unique_ptr<Page>> pages_;
  std::uintptr_t last_page_number_ = 0;
  Page* last_page_ = nullptr;

  std::uint64_t generation_ = 0;
  std::uint64_t launch_generation_ = 0;
  std::uint64_t block_generation_ = 0;
  std::uint32_t block_ = 0;
  std::uint32_t epoch_ = 0;

  static constexpr std::size_t max_warps = 32;
  struct WarpClock {
    std::uint32_t time = 0;
    std::uint32_t all_met = 0;  // time of the last __syncwarp of all lanes
    std::array<std::array<std::uint32_t, 32>, 32> met{};  // … that both of two lanes took part in
  };
  std::array<WarpClock, max_warps> warps_{};
  bool partial_warps_ = false;  // some `met` is in use

  struct Moment {
    std::uint16_t thread = 0;
    std::uint32_t epoch = 0;
  };
  std::vector<bool> fenced_;  // by thread, in this block
  std::unordered_map<const void*, std::unordered_map<std::uint32_t, Moment>> releases_;
  std::vector<std::pair<const void*, Moment>> acquired_;

  std::set<std::pair<const void*, const void*>> reported_;

  Word& find_word(std::uintptr_t address, bool shared);
  void check(Cell& cell, const Access& now, bool write, bool shared);
  bool ordered(const Access& before, const Access& now) const;
  bool released(const Access& before, const Access& now) const;
  void note_atomic(const void* address, const Access& now);
  void report(const Access& before, const Access& now, const char* kinds, bool shared);
};

}  // namespace simcuda
