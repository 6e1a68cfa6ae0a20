#include "kernels/cudnn/backend_descriptor.h"

#include <algorithm>

namespace engine::cuda {

std::vector<BackendDescriptor> BackendDescriptor::read_descriptors(
    cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type, std::int64_t most) const {
  std::vector<BackendDescriptor> descriptors;
  std::vector<cudnnBackendDescriptor_t> pointers;
  for (std::int64_t i = 0; i < most; ++i) pointers.push_back(descriptors.emplace_back(type).get());
  std::int64_t count = 0;
  ENGINE_CUDNN_CHECK(cudnnBackendGetAttribute, get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most,
                     &count, pointers.data());
  descriptors.erase(descriptors.begin() + std::min(count, most), descriptors.end());
  return descriptors;
}

}  // namespace engine::cuda
