#include "graph/state_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"

namespace engine::graph {
namespace {

// Fills with one value of the state's dtype, through a host buffer of bounded size.
void fill_state(const State& state, std::byte* destination, Stream& stream) {
  const std::size_t bytes = state.type.bytes();
  if (state.fill == 0) {
    if (bytes > 0) stream.fill(destination, 0, bytes);
    return;
  }
  visit_dtype(state.type.dtype, state.name, [&](auto zero) {
    using T = decltype(zero);
    constexpr std::size_t kChunk = 1 << 16;
    const auto count = static_cast<std::size_t>(state.type.element_count());
    const std::vector<T> values(std::min(count, kChunk), static_cast<T>(state.fill));
    for (std::size_t done = 0; done < count; done += values.size())
      stream.copy_to_device(destination + done * sizeof(T), values.data(),
                            std::min(values.size(), count - done) * sizeof(T));
  });
}

}  // namespace

void StateStore::add(const State& state, Stream& stream) {
  if (auto present = entries_.find(state.name); present != entries_.end()) {
    if (!(present->second.state == state))
      throw UsageError(fmt::format("state '{}' exists as {} and is declared again as {}",
                                   state.name, present->second.state.type.to_string(),
                                   state.type.to_string()));
    return;
  }
  Buffer buffer(*device_, state.type.bytes());
  fill_state(state, buffer.data(), stream);
  entries_.emplace(state.name, Entry{state, std::move(buffer)});
}

const StateStore::Entry& StateStore::entry(const std::string& name) const {
  auto found = entries_.find(name);
  ENGINE_CHECK(found != entries_.end(), "no state is called '" + name + "'");
  return found->second;
}

TensorView StateStore::view(const std::string& name) const {
  const Entry& found = entry(name);
  return {found.state.type, found.buffer.data()};
}

const State& StateStore::state(const std::string& name) const {
  return entry(name).state;
}

std::vector<State> StateStore::states() const {
  std::vector<State> all;
  for (const auto& [name, entry] : entries_) all.push_back(entry.state);
  return all;
}

std::size_t StateStore::bytes() const {
  std::size_t total = 0;
  for (const auto& [name, entry] : entries_) total += entry.buffer.bytes();
  return total;
}

void StateStore::upload(const std::string& name, const void* source, Stream& stream) {
  const Entry& found = entry(name);
  if (found.buffer.bytes() > 0)
    stream.copy_to_device(found.buffer.data(), source, found.buffer.bytes());
  stream.synchronize();
}

void StateStore::download(const std::string& name, void* destination, Stream& stream) const {
  const Entry& found = entry(name);
  if (found.buffer.bytes() > 0)
    stream.copy_to_host(destination, found.buffer.data(), found.buffer.bytes());
  stream.synchronize();
}

}  // namespace engine::graph
