#include "race.h"

#include <simcuda/kernel.h>

#include <algorithm>
#include <cstdio>

#include "block.h"
#include "symbols.h"

namespace simcuda {
namespace {

constexpr std::size_t word_bytes = 4;

}  // namespace

void RaceDetector::begin_launch() {
  launch_generation_ = ++generation_;
  releases_.clear();
}

void RaceDetector::begin_block(std::uint64_t block) {
  block_generation_ = ++generation_;
  block_ = static_cast<std::uint32_t>(block);
  epoch_ = 0;
  fenced_.assign(max_fibers, false);
  acquired_.clear();
  for (WarpClock& warp : warps_) {
    warp.time = warp.all_met = 0;
    if (partial_warps_) warp.met = {};
  }
  partial_warps_ = false;
}

void RaceDetector::synchronize_warp(unsigned warp, unsigned mask) {
  WarpClock& clock = warps_[warp];
  ++clock.time;
  if (mask == ~0u) {
    clock.all_met = clock.time;
    return;
  }
  partial_warps_ = true;
  for (unsigned a = 0; a < 32; ++a)
    for (unsigned b = 0; b < 32; ++b)
      if ((mask >> a & 1) != 0 && (mask >> b & 1) != 0) clock.met[a][b] = clock.time;
}

void RaceDetector::fence() {
  fenced_[current_thread->linear] = true;
}

RaceDetector::Word& RaceDetector::find_word(std::uintptr_t address, bool shared) {
  const std::uintptr_t word = address / word_bytes;
  const std::uintptr_t page = word / page_words;
  if (last_page_ == nullptr || page != last_page_number_) {
    std::unique_ptr<Page>& entry = pages_[page];
    if (entry == nullptr) entry = std::make_unique<Page>();
    last_page_ = entry.get();
    last_page_number_ = page;
  }
  Word& found = (*last_page_)[word % page_words];
  const std::uint64_t generation = shared ? block_generation_ : launch_generation_;
  if (found.generation != generation) {
    found.generation = generation;
    found.whole = {};
    found.bytes.reset();
  }
  return found;
}

void RaceDetector::access(const void* address, std::size_t bytes, AccessKind kind, bool unraced,
                          bool shared, const void* instruction) {
  const auto thread = static_cast<std::uint16_t>(current_thread->linear);
  const Access now{instruction, block_, epoch_, warps_[thread / 32].time, thread, unraced};
  const bool write = kind == AccessKind::store || kind == AccessKind::atomic;
  if (kind == AccessKind::atomic) note_atomic(address, now);
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t end = begin + bytes;
  for (std::uintptr_t word = begin / word_bytes * word_bytes; word < end; word += word_bytes) {
    Word& found = find_word(word, shared);
    const bool part = word < begin || word + word_bytes > end;
    if (part && found.bytes == nullptr) {
      found.bytes = std::make_unique<std::array<Cell, 4>>();
      found.bytes->fill(found.whole);
    }
    if (found.bytes == nullptr) {
      check(found.whole, now, write, shared);
      continue;
    }
    for (std::size_t i = 0; i < word_bytes; ++i)
      if (word + i >= begin && word + i < end) check((*found.bytes)[i], now, write, shared);
  }
}

void RaceDetector::check(Cell& cell, const Access& now, bool write, bool shared) {
  const auto conflicts = [&](const Access& before) {
    return before.instruction != nullptr && !(before.unraced && now.unraced) &&
           !ordered(before, now);
  };
  if (conflicts(cell.write))
    report(cell.write, now, write ? "write, write" : "write, read", shared);
  if (write) {
    for (const Access& read : cell.reads)
      if (conflicts(read)) report(read, now, "read, write", shared);
    cell.write = now;
    return;
  }
  // Keep the first unordered reader, and one more of another thread.
  auto& [first, second] = cell.reads;
  if (first.instruction == nullptr || ordered(first, now))
    first = now;
  else if (first.thread != now.thread || first.block != now.block)
    second = now;
}

bool RaceDetector::ordered(const Access& before, const Access& now) const {
  if (before.block != now.block) return released(before, now);
  if (before.thread == now.thread || before.epoch != now.epoch) return true;
  if (before.thread / 32 != now.thread / 32) return false;
  const WarpClock& clock = warps_[now.thread / 32];
  return clock.all_met > before.warp_time ||
         clock.met[before.thread % 32][now.thread % 32] > before.warp_time;
}

// Blocks run one after another here, so "before" is an earlier block: it must have released what it
// did up to some barrier, and this block have acquired that.
bool RaceDetector::released(const Access& before, const Access& now) const {
  for (const auto& [address, moment] : acquired_) {
    if (moment.thread != now.thread && moment.epoch >= now.epoch) continue;
    const auto known = releases_.find(address);
    if (known == releases_.end()) continue;
    const auto release = known->second.find(before.block);
    if (release == known->second.end()) continue;
    if (before.thread == release->second.thread || before.epoch < release->second.epoch)
      return true;
  }
  return false;
}

void RaceDetector::note_atomic(const void* address, const Access& now) {
  const Moment moment{now.thread, now.epoch};
  if (fenced_[now.thread]) releases_[address][now.block] = moment;
  const auto same = [&](const auto& entry) {
    return entry.first == address && entry.second.thread == now.thread;
  };
  if (std::none_of(acquired_.begin(), acquired_.end(), same))
    acquired_.emplace_back(address, moment);
}

void RaceDetector::report(const Access& before, const Access& now, const char* kinds, bool shared) {
  const auto pair = std::minmax(before.instruction, now.instruction);
  if (!reported_.insert(pair).second) return;
  std::fprintf(
      stderr,
      "simcuda: race on %s memory (%s): block %u thread %u at %s, block %u thread %u at %s, ",
      shared ? "shared" : "global", kinds, before.block, before.thread,
      source_line(before.instruction).c_str(), now.block, now.thread,
      source_line(now.instruction).c_str());
  print_position();
  std::fputc('\n', stderr);
}

}  // namespace simcuda
