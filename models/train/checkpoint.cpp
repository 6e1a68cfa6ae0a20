#include "models/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>
#include <vector>

#include "engine/core/file.h"
#include "engine/core/log.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::StateStore;

constexpr std::size_t kStagingBytes = std::size_t{1} << 18;

using RoleFilter = std::function<bool(StateRole)>;

std::vector<State> select(const StateStore& store, const RoleFilter& wanted) {
  std::vector<State> states = store.states();
  std::erase_if(states, [&](const State& state) { return !wanted(state.role); });
  return states;
}

/// Throws unless `file` has every state, of its type.
void require_states(const SafetensorsFile& file, const std::vector<State>& states) {
  for (const State& state : states) {
    const StoredTensor* tensor = file.find(state.name);
    if (tensor == nullptr)
      throw DataError(fmt::format("{}: has no tensor '{}', expected {}", file.path(), state.name,
                                  state.type.to_string()));
    if (tensor->type != state.type)
      throw DataError(fmt::format("{}: tensor '{}' is {}, expected {}", file.path(), state.name,
                                  tensor->type.to_string(), state.type.to_string()));
  }
}

/// Throws when `file` has a tensor that is no state.
void require_no_others(const SafetensorsFile& file, const std::vector<State>& states) {
  for (const StoredTensor& tensor : file.tensors())
    if (std::none_of(states.begin(), states.end(),
                     [&](const State& state) { return state.name == tensor.name; }))
      throw DataError(fmt::format("{}: unexpected tensor '{}', {}: the run has no such state",
                                  file.path(), printable(tensor.name), tensor.type.to_string()));
}

void upload_states(const SafetensorsFile& file, const std::vector<State>& states, StateStore& store,
                   Stream& stream) {
  std::vector<std::byte> staging;
  for (const State& state : states) {
    staging.resize(state.type.bytes());
    file.read(*file.find(state.name), staging);
    store.upload(state.name, staging.data(), stream);
  }
}

/// Hands a tensor on piece by piece, so that saving takes no memory to speak of.
void stream_down(const TensorView& view, std::span<std::byte> staging, Stream& stream,
                 const ByteSink& sink) {
  const auto* data = static_cast<const std::byte*>(view.data);
  const std::size_t bytes = view.type.bytes();
  for (std::size_t done = 0; done < bytes; done += staging.size()) {
    const auto piece = staging.first(std::min(staging.size(), bytes - done));
    stream.copy_to_host(piece.data(), data + done, piece.size());
    stream.synchronize();
    sink(piece);
  }
}

// Nothing for one that is damaged or cannot be read.
std::optional<Metadata> read_metadata(const std::string& path) {
  try {
    return SafetensorsFile(path).metadata();
  } catch (const DataError&) {
    return std::nullopt;
  } catch (const FileError&) {
    return std::nullopt;
  }
}

bool exists(const std::string& path) {
  std::error_code error;  // what cannot be examined is for the reader to complain of
  return std::filesystem::exists(path, error) || error;
}

}  // namespace

bool is_saved(StateRole role) {
  return role == StateRole::parameter || role == StateRole::statistic ||
         role == StateRole::optimizer || role == StateRole::counter;
}

void save_checkpoint(const std::string& path, const StateStore& store, Stream& stream,
                     const Metadata& metadata) {
  std::vector<std::byte> staging(kStagingBytes);
  std::vector<TensorSource> tensors;
  for (const State& state : select(store, is_saved))
    tensors.push_back(
        {state.name, state.type, [&, view = store.view(state.name)](const ByteSink& sink) {
           stream_down(view, staging, stream, sink);
         }});
  write_safetensors(path, std::move(tensors), metadata);
}

Metadata load_checkpoint(const std::string& path, StateStore& store, Stream& stream) {
  const SafetensorsFile file(path);
  const std::vector<State> states = select(store, is_saved);
  require_states(file, states);
  require_no_others(file, states);
  upload_states(file, states, store, stream);
  return file.metadata();
}

Metadata load_parameters(const std::string& path, StateStore& store, Stream& stream) {
  const SafetensorsFile file(path);
  const std::vector<State> states = select(store, [](StateRole role) {
    return role == StateRole::parameter || role == StateRole::statistic;
  });
  require_states(file, states);
  upload_states(file, states, store, stream);
  return file.metadata();
}

// The new file is on disk under a name of its own before the others move: between the two renames
// the former last one is whole under its new name. A damaged one must not displace the previous.
void CheckpointPair::save(const StateStore& store, Stream& stream, const Metadata& metadata) const {
  save_checkpoint(path("next"), store, stream, metadata);
  if (last_metadata()) move_file(path("last"), path("previous"));
  move_file(path("next"), path("last"));
}

std::optional<Metadata> CheckpointPair::last_metadata() const {
  return read_metadata(path("last"));
}

Metadata CheckpointPair::load(StateStore& store, Stream& stream) const {
  return load_either(load_checkpoint, store, stream);
}

Metadata CheckpointPair::load_parameters(StateStore& store, Stream& stream) const {
  return load_either(engine::load_parameters, store, stream);
}

Metadata CheckpointPair::load_either(Loader& loader, StateStore& store, Stream& stream) const {
  if (!exists(path("last")) && !exists(path("previous")))
    throw DataError(folder_ + ": holds no checkpoint; the run ended before its first");
  std::string why;
  try {
    return loader(path("last"), store, stream);
  } catch (const DataError& error) {
    why = error.what();
  } catch (const FileError& error) {
    why = error.what();
  }
  try {
    Metadata metadata = loader(path("previous"), store, stream);
    log::warning(why + "; using the previous checkpoint");
    return metadata;
  } catch (const DataError&) {
    throw DataError(why);
  } catch (const FileError&) {
    throw DataError(why);
  }
}

}  // namespace engine
