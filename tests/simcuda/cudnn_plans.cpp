// What the simulated cuDNN's graphs mean: a graph of one convolution, engines that solve it with
// unlike numerics and needs, heuristics that offer some twice, plans that build or do not, and
// their execution.
#include <algorithm>

#include "cudnn_backend.h"
#include "devices.h"

namespace simcuda {
namespace {

using Type = cudnnBackendDescriptorType_t;
using Name = cudnnBackendAttributeName_t;

// How an engine differs from others, in what callers must tell apart.
struct Engine {
  std::vector<cudnnBackendNumericalNote_t> notes;
  bool channels_last = true;  // or channels first alone
  bool three_dimensions = true;
  bool builds = true;
  std::size_t workspace_results = 0;  // copies of the result
};

constexpr std::int64_t kEngines = 6;
constexpr std::int64_t kTensorCores = 2, kUnordered = 3;

const Engine& engine_of(std::int64_t index) {
  static const std::array<Engine, kEngines> engines{{
      {},
      {.notes = {}, .workspace_results = 1},
      {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, .three_dimensions = false},
      {.notes = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, .channels_last = false},
      {.notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE,
                 CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}},
      {.notes = {}, .builds = false},
  }};
  return engines.at(static_cast<std::size_t>(index));
}

struct Offer {
  std::int64_t engine;
  std::vector<std::pair<cudnnBackendKnobType_t, std::int64_t>> knobs;
};

std::vector<Offer> offers(cudnnBackendHeurMode_t mode) {
  const Offer small{1, {{CUDNN_KNOB_TYPE_TILE_SIZE, 0}, {CUDNN_KNOB_TYPE_STAGES, 3}}};
  const Offer large{1, {{CUDNN_KNOB_TYPE_TILE_SIZE, 5}, {CUDNN_KNOB_TYPE_STAGES, 3}}};
  if (mode == CUDNN_HEUR_MODE_A) return {small, {kTensorCores, {}}};
  if (mode == CUDNN_HEUR_MODE_B) return {large, small, {4, {}}, {5, {}}};
  return {{0, {}}, {kUnordered, {}}};
}

struct OperationNames {
  Type type;
  CudnnDirection direction;
  Name alpha, beta, window, x, w, y;
};

const std::array<OperationNames, 3>& operations() {
  static const std::array<OperationNames, 3> all{{
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CudnnDirection::forward,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CudnnDirection::input_gradient,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       CudnnDirection::weight_gradient, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
  }};
  return all;
}

const OperationNames* find_operation(Type type) {
  for (const OperationNames& names : operations())
    if (names.type == type) return &names;
  return nullptr;
}

CudnnTensor tensor_of(const BackendDescriptor& tensor) {
  return {tensor.value<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE),
          tensor.values<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
          tensor.values<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES)};
}

CudnnConvolution convolution_of(const BackendDescriptor& operation) {
  const OperationNames& names = *find_operation(operation.type);
  const BackendDescriptor& window = *operation.part(names.window);
  CudnnConvolution c{names.direction,
                     tensor_of(*operation.part(names.x)),
                     tensor_of(*operation.part(names.w)),
                     tensor_of(*operation.part(names.y)),
                     window.values<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
                     window.values<std::int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS),
                     window.values<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                     window.values<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS)};
  c.alpha = operation.value<float>(names.alpha);
  c.beta = operation.value<float>(names.beta);
  return c;
}

bool any_below(const std::vector<std::int64_t>& values, std::int64_t least) {
  return std::any_of(values.begin(), values.end(), [=](std::int64_t v) { return v < least; });
}

cudnnStatus_t complete_tensor(const BackendDescriptor& descriptor) {
  const CudnnTensor tensor = tensor_of(descriptor);
  const auto alignment = descriptor.value<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  if (tensor.dims.size() != tensor.strides.size() || any_below(tensor.dims, 0))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "dimensions and strides differ in number");
  if (alignment <= 0 || alignment % static_cast<std::int64_t>(tensor.element_bytes()) != 0)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "an alignment that is no multiple of an element");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t complete_window(const BackendDescriptor& window) {
  const auto rank =
      static_cast<std::size_t>(window.value<std::int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS));
  for (const auto& [name, least] : {std::pair{CUDNN_ATTR_CONVOLUTION_DILATIONS, 1},
                                    std::pair{CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 1},
                                    std::pair{CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0},
                                    std::pair{CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 0}}) {
    const auto values = window.values<std::int64_t>(name);
    if (values.size() != rank || any_below(values, least))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a window that is out of range or of another rank");
  }
  return CUDNN_STATUS_SUCCESS;
}

bool has_type(const BackendPointer& part, Type type) {
  return part->type == type;
}

cudnnStatus_t complete_operation(const BackendDescriptor& operation, const OperationNames& names) {
  if (!has_type(operation.part(names.window), CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR) ||
      !has_type(operation.part(names.x), CUDNN_BACKEND_TENSOR_DESCRIPTOR) ||
      !has_type(operation.part(names.w), CUDNN_BACKEND_TENSOR_DESCRIPTOR) ||
      !has_type(operation.part(names.y), CUDNN_BACKEND_TENSOR_DESCRIPTOR))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a part of another type");
  const CudnnConvolution c = convolution_of(operation);
  if (const char* why = why_shapes_differ(c)) return cudnn_fail(CUDNN_STATUS_BAD_PARAM, why);
  return CUDNN_STATUS_SUCCESS;
}

// The library has engines for operands of one type, padding that is symmetric, and dense tensors.
bool has_engines(const BackendDescriptor& graph) {
  const BackendDescriptor& operation = *graph.part(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const CudnnConvolution c = convolution_of(operation);
  const BackendDescriptor& window = *operation.part(find_operation(operation.type)->window);
  return c.of_one_type() && c.symmetric() && (c.channels_first() || c.channels_last()) &&
         window.value<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT &&
         window.value<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) ==
             CUDNN_CROSS_CORRELATION;
}

// A finalized descriptor that the library made itself.
BackendPointer make_part(Type type) {
  auto part = std::make_shared<BackendDescriptor>();
  part->type = type;
  part->finalized = true;
  return part;
}

BackendPointer make_configuration(const Offer& offer, const BackendPointer& graph) {
  const BackendPointer engine = make_part(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  engine->put<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, {offer.engine});
  engine->put(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, std::vector<BackendPointer>{graph});
  engine->put(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, engine_of(offer.engine).notes);
  std::vector<BackendPointer> knobs;
  for (const auto& [type, value] : offer.knobs) {
    knobs.push_back(make_part(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR));
    knobs.back()->put<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, {type});
    knobs.back()->put<std::int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, {value});
  }
  BackendPointer configuration = make_part(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  configuration->put(CUDNN_ATTR_ENGINECFG_ENGINE, std::vector<BackendPointer>{engine});
  configuration->put(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, std::move(knobs));
  return configuration;
}

cudnnStatus_t complete_heuristic(BackendDescriptor& heuristic) {
  const BackendPointer& graph = heuristic.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (!has_type(graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) ||
      !has_type(heuristic.part(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP),
                CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a part of another type");
  if (!has_engines(*graph))
    return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "no engine for this graph");
  std::vector<BackendPointer> results;
  for (const Offer& offer :
       offers(heuristic.value<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE)))
    results.push_back(make_configuration(offer, graph));
  heuristic.put(CUDNN_ATTR_ENGINEHEUR_RESULTS, std::move(results));
  return CUDNN_STATUS_SUCCESS;
}

// Engine and convolution behind a plan, or behind a configuration of one.
struct Planned {
  std::int64_t index;
  const BackendDescriptor* operation;
  CudnnConvolution convolution;

  explicit Planned(const BackendDescriptor& plan) {
    const BackendDescriptor& configuration = *plan.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    const BackendDescriptor& engine = *configuration.part(CUDNN_ATTR_ENGINECFG_ENGINE);
    index = engine.value<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    operation =
        engine.part(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->part(CUDNN_ATTR_OPERATIONGRAPH_OPS).get();
    convolution = convolution_of(*operation);
    convolution.tf32 = index == kTensorCores && convolution.x.type == CUDNN_DATA_FLOAT;
    convolution.deterministic = index != kUnordered;
  }
  bool builds() const {
    const Engine& engine = engine_of(index);
    return engine.builds && (engine.channels_last || convolution.channels_first()) &&
           (engine.three_dimensions || convolution.rank() <= 2);
  }
  std::size_t workspace() const {
    return engine_of(index).workspace_results * convolution.result().bytes();
  }
};

cudnnStatus_t complete_plan(BackendDescriptor& plan) {
  if (!has_type(plan.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG),
                CUDNN_BACKEND_ENGINECFG_DESCRIPTOR))
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no engine configuration");
  const Planned planned(plan);
  if (!planned.builds())
    return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, "the engine does not solve this graph");
  plan.put<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                         {static_cast<std::int64_t>(planned.workspace())});
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t complete_pack(const BackendDescriptor& pack) {
  auto ids = pack.values<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.attributes.at(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).count;
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end() ||
      static_cast<std::int64_t>(ids.size()) != pointers)
    return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "identifiers repeat, or differ from pointers");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t complete_device(const BackendDescriptor& device) {
  const auto index = device.value<std::int32_t>(CUDNN_ATTR_DEVICEPROP_DEVICE_ID);
  return index >= 0 && index < device_count()
             ? CUDNN_STATUS_SUCCESS
             : cudnn_fail(CUDNN_STATUS_BAD_PARAM, "no such device");
}

// The pointer that the pack has for a tensor; null with why.
void* find_operand(const BackendDescriptor& tensor, const BackendDescriptor& pack,
                   cudnnStatus_t& why) {
  const auto id = tensor.value<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  const auto ids = pack.values<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto found = std::find(ids.begin(), ids.end(), id);
  void* pointer = nullptr;
  if (found != ids.end())
    pointer = pack.values<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)
                  .at(static_cast<std::size_t>(found - ids.begin()));
  if (pointer == nullptr) {
    why = cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the pack lacks an operand");
  } else if (reinterpret_cast<std::uintptr_t>(pointer) %
                 static_cast<std::uintptr_t>(
                     tensor.value<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT)) !=
             0) {
    why = cudnn_fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "an operand is misaligned");
    pointer = nullptr;
  }
  return pointer;
}

cudnnStatus_t execute(const CudnnContext& context, const BackendDescriptor& plan,
                      const BackendDescriptor& pack) {
  const Planned planned(plan);
  const OperationNames& names = *find_operation(planned.operation->type);
  cudnnStatus_t why = CUDNN_STATUS_SUCCESS;
  CudnnOperands operands{find_operand(*planned.operation->part(names.x), pack, why),
                         find_operand(*planned.operation->part(names.w), pack, why),
                         find_operand(*planned.operation->part(names.y), pack, why), nullptr};
  if (why != CUDNN_STATUS_SUCCESS) return why;
  if (pack.has(CUDNN_ATTR_VARIANT_PACK_WORKSPACE))
    operands.workspace = pack.value<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  return enqueue_convolution(context, planned.convolution, operands, planned.workspace(),
                             planned.workspace());
}

}  // namespace

cudnnStatus_t complete(BackendDescriptor& descriptor) {
  if (const OperationNames* names = find_operation(descriptor.type))
    return complete_operation(descriptor, *names);
  switch (descriptor.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return complete_tensor(descriptor);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      return complete_window(descriptor);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return complete_heuristic(descriptor);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return complete_plan(descriptor);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      return complete_pack(descriptor);
    case CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR:
      return complete_device(descriptor);
    default:
      return CUDNN_STATUS_SUCCESS;
  }
}

}  // namespace simcuda

using namespace simcuda;

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_handle,
                                  cudnnBackendDescriptor_t pack_handle) {
  return enter_cudnn(Call::ordinary, [&] {
    const auto context = cudnn_contexts().find(handle);
    const auto plan = backend_descriptors().find(plan_handle);
    const auto pack = backend_descriptors().find(pack_handle);
    if (context == nullptr || plan == nullptr || pack == nullptr)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no handle, plan or pack");
    if (plan->type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ||
        pack->type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM, "a descriptor of another type");
    if (!plan->finalized || !pack->finalized)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "plan or pack is not finalized");
    return execute(*context, *plan, *pack);
  });
}
