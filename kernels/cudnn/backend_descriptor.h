// A descriptor of cuDNN's backend API: attributes are set, the descriptor is finalized, and from
// then on it is read or used.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cudnn/handle.h"

namespace engine::cuda {

/// The library's tag for attributes of type T.
template <class T>
inline constexpr cudnnBackendAttributeType_t kBackendType = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr auto kBackendType<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr auto kBackendType<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr auto kBackendType<std::int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr auto kBackendType<std::int32_t> = CUDNN_TYPE_INT32;
template <>
inline constexpr auto kBackendType<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr auto kBackendType<char> = CUDNN_TYPE_CHAR;
template <>
inline constexpr auto kBackendType<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr auto kBackendType<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr auto kBackendType<cudnnBackendKnobType_t> = CUDNN_TYPE_KNOB_TYPE;
template <>
inline constexpr auto kBackendType<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;

class BackendDescriptor {
 public:
  explicit BackendDescriptor(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t created = nullptr;
    ENGINE_CUDNN_CHECK(cudnnBackendCreateDescriptor, type, &created);
    descriptor_.reset(created);
  }

  cudnnBackendDescriptor_t get() const { return descriptor_.get(); }

  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set(name, kBackendType<T>, 1, &value);
  }
  template <class T>
  void set_all(cudnnBackendAttributeName_t name, std::span<const T> values) {
    set(name, kBackendType<T>, values.size(), values.data());
  }
  void set(cudnnBackendAttributeName_t name, const BackendDescriptor& value) {
    const cudnnBackendDescriptor_t descriptor = value.get();
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &descriptor);
  }

  void finalize() { check(try_finalize(), "cudnnBackendFinalize"); }
  /// For plans, which the library may find unsupported only now.
  cudnnStatus_t try_finalize() {
    require_context("cudnnBackendFinalize");
    return ENGINE_CUDNN(cudnnBackendFinalize)(get());
  }

  template <class T>
  T read(cudnnBackendAttributeName_t name) const {
    T value{};
    std::int64_t count = 0;
    ENGINE_CUDNN_CHECK(cudnnBackendGetAttribute, get(), name, kBackendType<T>, 1, &count, &value);
    return value;
  }
  template <class T>
  std::vector<T> read_all(cudnnBackendAttributeName_t name, std::int64_t most) const {
    std::vector<T> values(static_cast<std::size_t>(most));
    std::int64_t count = 0;
    ENGINE_CUDNN_CHECK(cudnnBackendGetAttribute, get(), name, kBackendType<T>, most, &count,
                       values.data());
    values.resize(static_cast<std::size_t>(std::min(count, most)));
    return values;
  }
  /// The descriptors behind an attribute, `most` at most, copied by the library into ones made for
  /// them. (Asked for none, it does not tell their number for every attribute.)
  std::vector<BackendDescriptor> read_descriptors(cudnnBackendAttributeName_t name,
                                                  cudnnBackendDescriptorType_t type,
                                                  std::int64_t most) const;

 private:
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::size_t count,
           const void* values) {
    ENGINE_CUDNN_CHECK(cudnnBackendSetAttribute, get(), name, type,
                       static_cast<std::int64_t>(count), values);
  }
  static CudnnDestroy<cudnnBackendDescriptor_t> destroy() {
    return ENGINE_CUDNN(cudnnBackendDestroyDescriptor);
  }
  Handle<cudnnBackendDescriptor_t, CudnnDeleter<cudnnBackendDescriptor_t, destroy>> descriptor_;
};

}  // namespace engine::cuda
