#include "kernels/cudnn/convolution_plans.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace engine::cuda {
namespace {

constexpr std::int64_t kMostConfigurations = 128;  // of one heuristic
constexpr std::int64_t kAlignment = 16;            // bytes; the engine's own is a multiple of it

BackendDescriptor make_tensor(const CudnnTensor& tensor, std::int64_t id) {
  BackendDescriptor descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, tensor.type);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, tensor.dims);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, tensor.strides);
  descriptor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  descriptor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment);
  descriptor.finalize();
  return descriptor;
}

BackendDescriptor make_window(const ConvolutionProblem& p) {
  BackendDescriptor descriptor(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  descriptor.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  descriptor.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, static_cast<std::int64_t>(p.stride.size()));
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS, p.dilation);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, p.stride);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, p.padding);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, p.padding);
  descriptor.finalize();
  return descriptor;
}

/// Attribute names of an operation, which differ by direction alone.
struct OperationNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t alpha, beta, window, x, w, y;
};

OperationNames names_of(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
    case Direction::input_gradient:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY};
    case Direction::weight_gradient:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY};
}

/// The graph of one operation, and the descriptors it refers to.
struct ConvolutionGraph {
  BackendDescriptor x, w, y, window, operation, graph;

  explicit ConvolutionGraph(const ConvolutionProblem& p)
      : x(make_tensor(p.x, kOperandIds[0])),
        w(make_tensor(p.w, kOperandIds[1])),
        y(make_tensor(p.y, kOperandIds[2])),
        window(make_window(p)),
        operation(names_of(p.direction).operation),
        graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
    const OperationNames names = names_of(p.direction);
    operation.set(names.alpha, 1.0f);
    operation.set(names.beta, 0.0f);
    operation.set(names.window, window);
    operation.set(names.x, x);
    operation.set(names.w, w);
    operation.set(names.y, y);
    operation.finalize();
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
    graph.finalize();
  }
};

/// Engine configurations, the library's best guess first; none where it has no heuristic.
std::vector<BackendDescriptor> configurations(const ConvolutionGraph& graph,
                                              const BackendDescriptor& device,
                                              cudnnBackendHeurMode_t mode) {
  BackendDescriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.graph);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
  const cudnnStatus_t status = heuristic.try_finalize();
  if (is_unsupported(status)) return {};
  check(status, "cudnnBackendFinalize");
  return heuristic.read_descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, kMostConfigurations);
}

std::string knob_name(cudnnBackendKnobType_t knob) {
  switch (knob) {
    case CUDNN_KNOB_TYPE_SWIZZLE:
      return "swizzle";
    case CUDNN_KNOB_TYPE_TILE_SIZE:
      return "tile_size";
    case CUDNN_KNOB_TYPE_EDGE:
      return "edge";
    case CUDNN_KNOB_TYPE_MULTIPLY:
      return "multiply";
    case CUDNN_KNOB_TYPE_SPLIT_K_BUF:
      return "split_k_buffers";
    case CUDNN_KNOB_TYPE_TILEK:
      return "tile_k";
    case CUDNN_KNOB_TYPE_STAGES:
      return "stages";
    case CUDNN_KNOB_TYPE_REDUCTION_MODE:
      return "reduction";
    case CUDNN_KNOB_TYPE_SPLIT_K_SLC:
      return "split_k";
    case CUDNN_KNOB_TYPE_IDX_MODE:
      return "indices";
    case CUDNN_KNOB_TYPE_SPECFILT:
      return "filter";
    case CUDNN_KNOB_TYPE_KERNEL_CFG:
      return "kernel";
    case CUDNN_KNOB_TYPE_WORKSPACE:
      return "workspace";
    case CUDNN_KNOB_TYPE_TILE_CGA_M:
      return "cluster_m";
    case CUDNN_KNOB_TYPE_TILE_CGA_N:
      return "cluster_n";
    case CUDNN_KNOB_TYPE_BLOCK_SIZE:
      return "block";
    case CUDNN_KNOB_TYPE_TILE_M:
      return "tile_m";
    case CUDNN_KNOB_TYPE_TILE_N:
      return "tile_n";
    default:
      return fmt::format("knob_{}", static_cast<int>(knob));
  }
}

std::string name_of(const BackendDescriptor& configuration, const BackendDescriptor& engine) {
  std::string name =
      fmt::format("engine_{}", engine.read<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
  std::vector<std::string> knobs;
  for (const BackendDescriptor& choice :
       configuration.read_descriptors(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                      CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, CUDNN_KNOB_TYPE_COUNTS))
    knobs.push_back(fmt::format(
        " {}={}", knob_name(choice.read<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)),
        choice.read<std::int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE)));
  std::sort(knobs.begin(), knobs.end());
  for (const std::string& knob : knobs) name += knob;
  return name;
}

/// What an engine's numerical notes say of its results.
struct Notes {
  std::vector<cudnnBackendNumericalNote_t> notes;

  explicit Notes(const BackendDescriptor& engine)
      : notes(engine.read_all<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                           CUDNN_NUMERICAL_NOTE_TYPE_COUNT)) {}
  bool has(cudnnBackendNumericalNote_t note) const {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  }
  // With f32 operands tensor cores mean TF32.
  bool allowed(const ConvolutionProblem& p) const {
    if (has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return false;
    if (p.bf16) return !has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
    return p.math == Math::tf32 || !(has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ||
                                     has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS));
  }
};

void visit_configuration(const BackendDescriptor& device, const BackendDescriptor& configuration,
                         const std::string& name, const Notes& notes,
                         const std::function<void(ConvolutionPlan)>& take) {
  BackendDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
  const cudnnStatus_t status = plan.try_finalize();
  if (is_unsupported(status)) return;
  check(status, "cudnnBackendFinalize");
  const auto workspace = plan.read<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);

  take({name, !notes.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC),
        static_cast<std::size_t>(workspace), std::move(plan)});
}

}  // namespace

BackendDescriptor describe_device(int index) {
  BackendDescriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set(CUDNN_ATTR_DEVICEPROP_DEVICE_ID, static_cast<std::int32_t>(index));
  device.finalize();
  return device;
}

BackendDescriptor describe_device(const std::string& json) {
  BackendDescriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set_all<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                       std::span(json.c_str(), json.size() + 1));
  device.finalize();
  return device;
}

void visit_convolution_plans(const ConvolutionProblem& problem, const BackendDescriptor& device,
                             const std::function<bool(const std::string& name)>& wants,
                             const std::function<void(ConvolutionPlan)>& take) {
  const ConvolutionGraph graph(problem);
  std::set<std::string> seen;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK})
    for (const BackendDescriptor& configuration : configurations(graph, device, mode)) {
      const auto engines = configuration.read_descriptors(CUDNN_ATTR_ENGINECFG_ENGINE,
                                                          CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
      const std::string name = name_of(configuration, engines.at(0));
      const Notes notes(engines[0]);
      if (!notes.allowed(problem) || !seen.insert(name).second || !wants(name)) continue;
      visit_configuration(device, configuration, name, notes, take);
    }
}

}  // namespace engine::cuda
