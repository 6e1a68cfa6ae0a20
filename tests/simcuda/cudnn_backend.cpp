// cuDNN entry points of the backend API that are the same for every descriptor: create, set, get,
// finalize. What may be set where is one table.
#include "cudnn_backend.h"

#include <algorithm>

namespace simcuda {
namespace {

using Name = cudnnBackendAttributeName_t;

enum class Use { required, optional, read_only };

// An attribute: of which descriptor, its type, how many elements it may have.
struct Rule {
  cudnnBackendDescriptorType_t descriptor;
  Name name;
  cudnnBackendAttributeType_t type;
  std::int64_t most = 1;
  Use use = Use::required;
};

constexpr auto kTensor = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
constexpr auto kWindow = CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR;
constexpr auto kForward = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
constexpr auto kData = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
constexpr auto kFilter = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
constexpr auto kGraph = CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR;
constexpr auto kHeuristic = CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR;
constexpr auto kConfiguration = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
constexpr auto kEngine = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
constexpr auto kKnob = CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR;
constexpr auto kPlan = CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
constexpr auto kPack = CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR;
constexpr auto kDevice = CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR;
constexpr auto kInt64 = CUDNN_TYPE_INT64;
constexpr auto kPart = CUDNN_TYPE_BACKEND_DESCRIPTOR;
constexpr std::int64_t kMany = 64;

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {kTensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE},
      {kTensor, CUDNN_ATTR_TENSOR_DIMENSIONS, kInt64, CUDNN_DIM_MAX},
      {kTensor, CUDNN_ATTR_TENSOR_STRIDES, kInt64, CUDNN_DIM_MAX},
      {kTensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, kInt64},
      {kTensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kInt64},
      {kWindow, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE},
      {kWindow, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE},
      {kWindow, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, kInt64},
      {kWindow, CUDNN_ATTR_CONVOLUTION_DILATIONS, kInt64, CUDNN_DIM_MAX},
      {kWindow, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, kInt64, CUDNN_DIM_MAX},
      {kWindow, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, kInt64, CUDNN_DIM_MAX},
      {kWindow, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, kInt64, CUDNN_DIM_MAX},
      {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT},
      {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT},
      {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kPart},
      {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kPart},
      {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kPart},
      {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kPart},
      {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_TYPE_FLOAT},
      {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_TYPE_FLOAT},
      {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, kPart},
      {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, kPart},
      {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, kPart},
      {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, kPart},
      {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_TYPE_FLOAT},
      {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, CUDNN_TYPE_FLOAT},
      {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, kPart},
      {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, kPart},
      {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, kPart},
      {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, kPart},
      {kGraph, CUDNN_ATTR_OPERATIONGRAPH_OPS, kPart},
      {kHeuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kPart},
      {kHeuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE},
      {kHeuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, kPart},
      {kHeuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, kPart, kMany, Use::read_only},
      {kConfiguration, CUDNN_ATTR_ENGINECFG_ENGINE, kPart},
      {kConfiguration, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, kPart, kMany, Use::optional},
      {kEngine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, kPart},
      {kEngine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, kInt64},
      {kEngine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, kMany, Use::read_only},
      {kKnob, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE},
      {kKnob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, kInt64},
      {kPlan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kPart},
      {kPlan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, kPart},
      {kPlan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, kInt64, 1, Use::read_only},
      {kPack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, kInt64, kMany},
      {kPack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, kMany},
      {kPack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, Use::optional},
      {kDevice, CUDNN_ATTR_DEVICEPROP_DEVICE_ID, CUDNN_TYPE_INT32},
  };
  return all;
}

const Rule* find_rule(cudnnBackendDescriptorType_t descriptor, Name name) {
  const auto found = std::find_if(rules().begin(), rules().end(), [&](const Rule& rule) {
    return rule.descriptor == descriptor && rule.name == name;
  });
  return found == rules().end() ? nullptr : &*found;
}

std::size_t element_bytes(cudnnBackendAttributeType_t type) {
  return type == CUDNN_TYPE_INT64 || type == CUDNN_TYPE_VOID_PTR ? 8 : 4;
}

// The descriptor itself, or null with why.
BackendPointer find_descriptor(cudnnBackendDescriptor_t handle, cudnnStatus_t& why) {
  auto found = handle == nullptr ? nullptr : backend_descriptors().find(handle);
  if (found == nullptr)
    why =
        cudnn_fail(handle == nullptr ? CUDNN_STATUS_BAD_PARAM_NULL_POINTER : CUDNN_STATUS_BAD_PARAM,
                   "no backend descriptor");
  return found;
}

cudnnStatus_t set_parts(BackendDescriptor& descriptor, Name name, std::int64_t count,
                        const void* from) {
  std::vector<BackendPointer> parts;
  for (std::int64_t i = 0; i < count; ++i) {
    cudnnStatus_t why = CUDNN_STATUS_SUCCESS;
    auto part = find_descriptor(static_cast<const cudnnBackendDescriptor_t*>(from)[i], why);
    if (part == nullptr) return why;
    if (descriptor.type == kGraph && !part->finalized)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "an operation is not finalized");
    parts.push_back(std::move(part));
  }
  descriptor.put(name, std::move(parts));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_attribute(BackendDescriptor& descriptor, Name name,
                            cudnnBackendAttributeType_t type, std::int64_t count,
                            const void* from) {
  const Rule* rule = find_rule(descriptor.type, name);
  if (descriptor.finalized) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "already finalized");
  if (rule == nullptr || rule->use == Use::read_only)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an attribute that cannot be set here");
  if (rule->type != type)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "an attribute of another type");
  if (count < 1 || count > rule->most || from == nullptr)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a wrong number of elements, or none");
  if (type == kPart) return set_parts(descriptor, name, count, from);
  const auto* bytes = static_cast<const char*>(from);
  descriptor.attributes[name] = {
      count, {bytes, bytes + static_cast<std::size_t>(count) * element_bytes(type)}, {}};
  return CUDNN_STATUS_SUCCESS;
}

// Parts are copied into descriptors that the caller made for them.
cudnnStatus_t copy_parts(const BackendAttribute& attribute, std::int64_t count, void* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    cudnnStatus_t why = CUDNN_STATUS_SUCCESS;
    const auto target = find_descriptor(static_cast<cudnnBackendDescriptor_t*>(to)[i], why);
    if (target == nullptr) return why;
    const BackendDescriptor& part = *attribute.descriptors[static_cast<std::size_t>(i)];
    if (target->type != part.type)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a descriptor of another type to copy to");
    *target = part;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t get_attribute(const BackendDescriptor& descriptor, Name name,
                            cudnnBackendAttributeType_t type, std::int64_t requested,
                            std::int64_t* count, void* to) {
  if (!descriptor.finalized) return cudnn_fail(CUDNN_STATUS_NOT_INITIALIZED, "not finalized");
  const Rule* rule = find_rule(descriptor.type, name);
  if (rule == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an unknown attribute");
  if (rule->type != type)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "an attribute of another type");
  if (requested < 0 || (requested > 0 && to == nullptr))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "nowhere to write to");
  const BackendAttribute attribute =
      descriptor.has(name) ? descriptor.attributes.at(name) : BackendAttribute{};
  const std::int64_t copied = std::min(requested, attribute.count);
  if (count != nullptr) *count = copied;
  if (type == kPart) return copy_parts(attribute, copied, to);
  if (copied > 0)
    std::memcpy(to, attribute.bytes.data(), static_cast<std::size_t>(copied) * element_bytes(type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize(BackendDescriptor& descriptor) {
  if (descriptor.finalized) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "already finalized");
  for (const Rule& rule : rules())
    if (rule.descriptor == descriptor.type && rule.use == Use::required &&
        !descriptor.has(rule.name))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a required attribute is missing");
  for (const auto& [name, attribute] : descriptor.attributes)
    for (const BackendPointer& part : attribute.descriptors)
      if (!part->finalized)
        return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a part of it is not finalized");
  const cudnnStatus_t status = complete(descriptor);
  descriptor.finalized = status == CUDNN_STATUS_SUCCESS;
  return status;
}

bool is_simulated(cudnnBackendDescriptorType_t type) {
  return std::any_of(rules().begin(), rules().end(),
                     [type](const Rule& rule) { return rule.descriptor == type; });
}

}  // namespace

HandleTable<cudnnBackendDescriptor_t, BackendDescriptor>& backend_descriptors() {
  static auto* const table = new HandleTable<cudnnBackendDescriptor_t, BackendDescriptor>;
  return *table;
}

std::size_t cudnn_backend_descriptors() {
  return backend_descriptors().size();
}

}  // namespace simcuda

using namespace simcuda;

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* out) {
  return enter_cudnn(Call::ordinary, [&] {
    if (out == nullptr) return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no descriptor");
    if (!is_simulated(type))
      return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "a descriptor that is not simulated");
    auto created = std::make_shared<BackendDescriptor>();
    created->type = type;
    *out = backend_descriptors().add(std::move(created));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t handle) {
  return enter_cudnn(Call::release, [&] {
    return backend_descriptors().remove(handle)
               ? CUDNN_STATUS_SUCCESS
               : cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no backend descriptor");
  });
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* from) {
  return enter_cudnn(Call::ordinary, [&] {
    cudnnStatus_t why = CUDNN_STATUS_SUCCESS;
    const auto descriptor = find_descriptor(handle, why);
    return descriptor == nullptr ? why : set_attribute(*descriptor, name, type, count, from);
  });
}

cudnnStatus_t cudnnBackendGetAttribute(const cudnnBackendDescriptor_t handle,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested,
                                       int64_t* count, void* to) {
  return enter_cudnn(Call::ordinary, [&] {
    cudnnStatus_t why = CUDNN_STATUS_SUCCESS;
    const auto descriptor = find_descriptor(handle, why);
    return descriptor == nullptr ? why
                                 : get_attribute(*descriptor, name, type, requested, count, to);
  });
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle) {
  return enter_cudnn(Call::ordinary, [&] {
    cudnnStatus_t why = CUDNN_STATUS_SUCCESS;
    const auto descriptor = find_descriptor(handle, why);
    return descriptor == nullptr ? why : finalize(*descriptor);
  });
}
