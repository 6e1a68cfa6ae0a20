#include "access_statistics.h"

#include <algorithm>
#include <cstdio>

#include "symbols.h"

namespace simcuda {
namespace {

constexpr std::uintptr_t sector_bytes = 32;
constexpr std::uintptr_t bank_bytes = 4;
constexpr unsigned banks = 32;
constexpr std::size_t widest_access = 16;

void add(SimcudaGlobalAccesses& to, const SimcudaGlobalAccesses& from) {
  to.requests += from.requests;
  to.sectors += from.sectors;
  to.ideal_sectors += from.ideal_sectors;
}

void add(SimcudaAccesses& to, const SimcudaAccesses& from) {
  add(to.global_loads, from.global_loads);
  add(to.global_stores, from.global_stores);
  add(to.global_atomics, from.global_atomics);
  to.shared.requests += from.shared.requests;
  to.shared.wavefronts += from.shared.wavefronts;
  to.shared.ideal_wavefronts += from.shared.ideal_wavefronts;
}

template <std::size_t N>
void copy_text(char (&to)[N], const std::string& from) {
  std::snprintf(to, N, "%s", from.c_str());
}

// Passes that the lanes of one group need: the most different words that share a bank.
std::uint64_t group_wavefronts(std::vector<std::uintptr_t>& words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::array<std::uint64_t, banks> used{};
  for (const std::uintptr_t word : words) ++used[word % banks];
  return *std::max_element(used.begin(), used.end());
}

}  // namespace

GlobalRequest measure_global(std::vector<std::uintptr_t> addresses, std::size_t bytes) {
  std::sort(addresses.begin(), addresses.end());
  std::uint64_t sectors = 0;
  std::uint64_t distinct_bytes = 0;
  std::uintptr_t bytes_end = 0;    // one past the last byte counted
  std::uintptr_t sectors_end = 0;  // one past the last sector counted
  for (const std::uintptr_t address : addresses) {
    const std::uintptr_t end = address + bytes;
    distinct_bytes += end - std::min(end, std::max(address, bytes_end));
    bytes_end = std::max(bytes_end, end);
    const std::uintptr_t first = std::max(address / sector_bytes, sectors_end);
    const std::uintptr_t last = (end + sector_bytes - 1) / sector_bytes;
    if (last > first) sectors += last - first;
    sectors_end = std::max(sectors_end, last);
  }
  return {sectors, (distinct_bytes + sector_bytes - 1) / sector_bytes};
}

SharedRequest measure_shared(const std::array<std::uintptr_t, 32>& addresses, unsigned lanes,
                             std::size_t bytes) {
  const unsigned group_lanes = bytes <= 4 ? 32 : bytes <= 8 ? 16 : 8;
  SharedRequest result{0, 0};
  std::vector<std::uintptr_t> words;
  for (unsigned begin = 0; begin < 32; begin += group_lanes) {
    words.clear();
    for (unsigned lane = begin; lane < begin + group_lanes; ++lane) {
      if ((lanes >> lane & 1) == 0) continue;
      const std::uintptr_t last = (addresses[lane] + bytes - 1) / bank_bytes;
      for (std::uintptr_t word = addresses[lane] / bank_bytes; word <= last; ++word)
        words.push_back(word);
    }
    if (words.empty()) continue;
    result.wavefronts += group_wavefronts(words);
    ++result.ideal;
  }
  return result;
}

void AccessStatistics::begin_launch(const Geometry& geometry) {
  current_ = &kernels_[geometry.function];
  ++current_->launches;
  threads_ = geometry.block.x * geometry.block.y * geometry.block.z;
}

unsigned AccessStatistics::full_mask(unsigned warp) const {
  const unsigned lanes = threads_ - warp * 32;
  return lanes >= 32 ? ~0u : (1u << lanes) - 1;
}

AccessStatistics::Site& AccessStatistics::find_site(std::size_t bytes, AccessKind kind, bool shared,
                                                    const void* instruction) {
  // A generic pointer may point to either space: one instruction, two sites.
  const std::uintptr_t key = reinterpret_cast<std::uintptr_t>(instruction) * 2 + (shared ? 1u : 0u);
  std::unique_ptr<Site>& site = current_->sites[key];
  if (site == nullptr)
    site = std::make_unique<Site>(Site{instruction, kind, shared, bytes, {}, false, {}, {}});
  return *site;
}

void AccessStatistics::touch(Site& site) {
  site.touched = true;
  site.executions.assign(threads_, 0);
  site.warps.resize((threads_ + 31) / 32);
  touched_.push_back(&site);
}

void AccessStatistics::access(const void* address, std::size_t bytes, AccessKind kind, bool shared,
                              const void* instruction) {
  if (bytes > widest_access) {  // hardware would make several instructions of it
    const auto* byte = static_cast<const char*>(address);
    const auto* code = static_cast<const char*>(instruction);
    for (std::size_t done = 0; done < bytes; done += widest_access)
      access(byte + done, std::min(widest_access, bytes - done), kind, shared,
             code + done / widest_access);
    return;
  }
  Site& site = find_site(bytes, kind, shared, instruction);
  if (!site.touched) touch(site);
  const unsigned thread = current_thread->linear;
  const unsigned warp = thread / 32;
  WarpRequests& requests = site.warps[warp];
  const std::uint32_t position = site.executions[thread]++ - requests.first;
  if (requests.open.size() <= position) requests.open.resize(position + 1);
  Request& request = requests.open[position];
  request.lanes |= 1u << thread % 32;
  request.addresses[thread % 32] = reinterpret_cast<std::uintptr_t>(address);
  if (request.lanes != full_mask(warp)) return;
  count(site, request);
  while (!requests.open.empty() && requests.open.front().counted) {
    requests.open.pop_front();
    ++requests.first;
  }
}

void AccessStatistics::count(Site& site, Request& request) {
  request.counted = true;
  if (site.shared) {
    const auto measured = measure_shared(request.addresses, request.lanes, site.bytes);
    site.totals.shared.requests += 1;
    site.totals.shared.wavefronts += measured.wavefronts;
    site.totals.shared.ideal_wavefronts += measured.ideal;
    return;
  }
  std::vector<std::uintptr_t> addresses;
  for (unsigned lane = 0; lane < 32; ++lane)
    if ((request.lanes >> lane & 1) != 0) addresses.push_back(request.addresses[lane]);
  const auto measured = measure_global(std::move(addresses), site.bytes);
  SimcudaGlobalAccesses& totals = site.kind == AccessKind::load    ? site.totals.global_loads
                                  : site.kind == AccessKind::store ? site.totals.global_stores
                                                                   : site.totals.global_atomics;
  add(totals, {1, measured.sectors, measured.ideal});
}

void AccessStatistics::end_block() {
  for (Site* site : touched_) {
    for (WarpRequests& requests : site->warps) {
      for (Request& request : requests.open)
        if (!request.counted && request.lanes != 0) count(*site, request);
      requests.open.clear();
      requests.first = 0;
    }
    site->touched = false;
  }
  touched_.clear();
}

std::size_t AccessStatistics::kernels(SimcudaKernelAccesses* out, std::size_t capacity) const {
  std::size_t written = 0;
  for (const auto& [function, kernel] : kernels_) {
    if (written >= capacity) break;
    SimcudaKernelAccesses& entry = out[written++];
    entry = {};
    copy_text(entry.kernel, function_name(function));
    entry.launches = kernel.launches;
    for (const auto& known : kernel.sites) add(entry.accesses, known.second->totals);
  }
  return kernels_.size();
}

std::size_t AccessStatistics::sites(SimcudaSiteAccesses* out, std::size_t capacity) const {
  std::size_t total = 0;
  for (const auto& [function, kernel] : kernels_)
    for (const auto& known : kernel.sites) {
      if (total++ >= capacity) continue;
      SimcudaSiteAccesses& entry = out[total - 1];
      entry = {};
      copy_text(entry.kernel, function_name(function));
      copy_text(entry.location, source_line(known.second->instruction));
      entry.accesses = known.second->totals;
    }
  return total;
}

void AccessStatistics::forget() {
  kernels_.clear();
  touched_.clear();
  current_ = nullptr;
}

}  // namespace simcuda
