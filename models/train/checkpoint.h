// Checkpoints: the saved states of a store (parameters, optimizer, counters) as a safetensors file.
// Saving takes tensors through host memory in small pieces; a file on disk is always whole.
#pragma once

#include <optional>
#include <string>

#include "graph/state_store.h"
#include "models/train/safetensors.h"

namespace engine {

/// Whether states of `role` belong in a checkpoint.
bool is_saved(graph::StateRole role);

/// Replaces `path` atomically by the saved states and `metadata`. Throws FileError, DeviceError.
void save_checkpoint(const std::string& path, const graph::StateStore& store, Stream& stream,
                     const Metadata& metadata);

/// Loads every saved state and returns the metadata. Throws DataError, before anything is uploaded,
/// unless the file has exactly the store's saved states, of their types.
Metadata load_checkpoint(const std::string& path, graph::StateStore& store, Stream& stream);

/// The same for parameters and statistics alone, what inference reads; what else the file holds is
/// ignored.
Metadata load_parameters(const std::string& path, graph::StateStore& store, Stream& stream);

/// The two latest checkpoints of a run, last.safetensors and previous.safetensors in one folder.
/// However the process ends, one of them is whole.
class CheckpointPair {
 public:
  explicit CheckpointPair(std::string folder) : folder_(std::move(folder)) {}

  /// Makes the store's state the last checkpoint and keeps the former one as the previous.
  void save(const graph::StateStore& store, Stream& stream, const Metadata& metadata) const;
  /// load_checkpoint() of the last; when that is missing or damaged, of the previous one, with a
  /// warning. Throws the last one's DataError when neither can be loaded, another when neither is
  /// there.
  Metadata load(graph::StateStore& store, Stream& stream) const;
  /// The same with load_parameters().
  Metadata load_parameters(graph::StateStore& store, Stream& stream) const;
  /// What the last one says of itself, before there is a store to load into; nothing when it is
  /// missing or damaged.
  std::optional<Metadata> last_metadata() const;

 private:
  using Loader = Metadata(const std::string&, graph::StateStore&, Stream&);
  Metadata load_either(Loader& loader, graph::StateStore& store, Stream& stream) const;
  std::string path(const char* name) const { return folder_ + "/" + name + ".safetensors"; }

  std::string folder_;
};

}  // namespace engine
