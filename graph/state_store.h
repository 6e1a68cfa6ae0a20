// The named state that all programs of a run share: parameters, moments, counters, data. Its
// buffers live on one device from when they are made until the store goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "graph/ir.h"

namespace engine::graph {

class StateStore {
 public:
  explicit StateStore(Device& device) : device_(&device) {}

  Device& device() const { return *device_; }
  /// Makes the state's buffer, every element State::fill; a second call with an equal state does
  /// nothing, with another type throws UsageError.
  void add(const State& state, Stream& stream);
  bool has(const std::string& name) const { return entries_.count(name) != 0; }
  /// Throws InternalError for an unknown name.
  TensorView view(const std::string& name) const;
  const State& state(const std::string& name) const;
  std::vector<State> states() const;  ///< by name
  std::size_t bytes() const;          ///< of all buffers

  /// Copies to or from host memory of the state's size, and waits.
  void upload(const std::string& name, const void* source, Stream& stream);
  void download(const std::string& name, void* destination, Stream& stream) const;

 private:
  struct Entry {
    State state;
    Buffer buffer;
  };
  const Entry& entry(const std::string& name) const;
  Device* device_;
  std::map<std::string, Entry> entries_;
};

}  // namespace engine::graph
