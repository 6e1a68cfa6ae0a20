// Descriptors of the simulated cuDNN's backend API: attributes by name, typed and counted, which
// finalizing checks and freezes.
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "cudnn_objects.h"

namespace simcuda {

struct BackendDescriptor;
using BackendPointer = std::shared_ptr<BackendDescriptor>;

struct BackendAttribute {
  std::int64_t count = 0;
  std::vector<char> bytes;
  std::vector<BackendPointer> descriptors;  // in place of bytes

  template <class T>
  std::vector<T> all() const {
    std::vector<T> values(static_cast<std::size_t>(count));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

struct BackendDescriptor {
  cudnnBackendDescriptorType_t type = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, BackendAttribute> attributes;

  bool has(cudnnBackendAttributeName_t name) const { return attributes.count(name) != 0; }
  template <class T>
  T value(cudnnBackendAttributeName_t name) const {
    return attributes.at(name).all<T>().at(0);
  }
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name) const {
    return attributes.at(name).all<T>();
  }
  const BackendPointer& part(cudnnBackendAttributeName_t name) const {
    return attributes.at(name).descriptors.at(0);
  }
  // What the library itself sets.
  template <class T>
  void put(cudnnBackendAttributeName_t name, const std::vector<T>& all) {
    BackendAttribute& attribute = attributes[name];
    attribute.count = static_cast<std::int64_t>(all.size());
    const auto* data = reinterpret_cast<const char*>(all.data());
    attribute.bytes.assign(data, data + all.size() * sizeof(T));
  }
  void put(cudnnBackendAttributeName_t name, std::vector<BackendPointer> all) {
    attributes[name] = {static_cast<std::int64_t>(all.size()), {}, std::move(all)};
  }
};

HandleTable<cudnnBackendDescriptor_t, BackendDescriptor>& backend_descriptors();

// What finalizing a complete descriptor checks and derives, by type (in cudnn_plans.cpp).
cudnnStatus_t complete(BackendDescriptor& descriptor);

}  // namespace simcuda
