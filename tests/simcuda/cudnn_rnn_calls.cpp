// cuDNN entry points of the RNN API: descriptors, what a layer needs, and its three passes.
//
// What a caller must tell apart: algorithms that refuse when they are described, when they are
// compiled at run time, when sizes are asked for, and not before they are launched.
#include <algorithm>
#include <cstring>
#include <limits>

#include "cudnn_objects.h"
#include "cudnn_rnn.h"

namespace simcuda {
namespace {

constexpr std::size_t float_bytes = sizeof(float);
constexpr std::size_t space_alignment = 16;
// Of which the real limits are not known.
constexpr std::size_t most_static_units = 96, most_dynamic_units = 128;

struct Sequences {
  cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
  std::size_t steps = 0, sequences = 0, features = 0;
  bool of_one_length = true;
};

HandleTable<cudnnRNNDescriptor_t, CudnnRnn>& rnns() {
  static auto* const table = new HandleTable<cudnnRNNDescriptor_t, CudnnRnn>;
  return *table;
}
HandleTable<cudnnRNNDataDescriptor_t, Sequences>& sequences() {
  static auto* const table = new HandleTable<cudnnRNNDataDescriptor_t, Sequences>;
  return *table;
}

cudnnStatus_t fail_unsupported(const char* why) {
  return cudnn_fail(CUDNN_STATUS_NOT_SUPPORTED, why);
}
cudnnStatus_t fail_parameter(const char* why) {
  return cudnn_fail(CUDNN_STATUS_BAD_PARAM, why);
}

// A layer as handle and descriptors say it, checked.
struct Layer {
  std::shared_ptr<CudnnContext> context;
  CudnnRnn rnn;
  CudnnRnnExtents n{};

  std::size_t weight_bytes() const { return cudnn_rnn_weights(rnn) * float_bytes; }
  std::size_t work_bytes(bool training) const {
    return (training ? 2 : 1) * n.rows() * rnn.width() * float_bytes;
  }
  std::size_t reserve_bytes() const { return cudnn_rnn_reserve(rnn, n.rows()) * float_bytes; }
  std::size_t state_bytes() const { return n.sequences * rnn.units * float_bytes; }
  std::size_t x_bytes() const { return n.rows() * rnn.inputs * float_bytes; }
  std::size_t y_bytes() const { return n.rows() * rnn.units * float_bytes; }
};

cudnnStatus_t check_sequences(const Layer& layer, const Sequences& x) {
  if (x.steps == 0) return fail_parameter("a data descriptor that was not set");
  if (x.layout != CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED)
    return fail_parameter("a layout that padded input and output must be enabled for");
  if (!x.of_one_length)
    return fail_unsupported(layer.rnn.algorithm == CUDNN_RNN_ALGO_STANDARD
                                ? "lengths that differ are not simulated"
                                : "a persistent algorithm takes sequences of one length");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_algorithm(const Layer& layer) {
  const CudnnRnn& rnn = layer.rnn;
  if (rnn.algorithm == CUDNN_RNN_ALGO_PERSIST_STATIC && rnn.units > most_static_units)
    return fail_unsupported("too many units for a persistent kernel");
  if (rnn.algorithm == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && rnn.built_for != layer.n.sequences)
    return fail_parameter("cudnnBuildRNNDynamic was not called for so many sequences");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t read_layer(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                         cudnnRNNDataDescriptor_t x_descriptor, Layer& layer) {
  layer.context = cudnn_contexts().find(handle);
  const auto rnn = rnns().find(descriptor);
  const auto x = sequences().find(x_descriptor);
  if (layer.context == nullptr || rnn == nullptr || x == nullptr)
    return fail_parameter("an unknown handle or descriptor");
  if (!rnn->is_set()) return fail_parameter("an RNN descriptor that was not set");
  layer.rnn = *rnn;
  layer.n = {x->steps, x->sequences};
  if (const cudnnStatus_t status = check_sequences(layer, *x)) return status;
  if (x->features != rnn->inputs) return fail_parameter("x has not as many features as the RNN");
  return check_algorithm(layer);
}

// As a pass has them: those of y, and of both states, too.
struct Descriptors {
  cudnnHandle_t handle;
  cudnnRNNDescriptor_t rnn;
  cudnnRNNDataDescriptor_t x, y;
  cudnnTensorDescriptor_t h, c;
};

cudnnStatus_t check_states(const Layer& layer, cudnnTensorDescriptor_t descriptor) {
  const auto states = cudnn_tensors().find(descriptor);
  if (states == nullptr) return fail_parameter("an unknown descriptor of states");
  const auto n = static_cast<std::int64_t>(layer.n.sequences),
             units = static_cast<std::int64_t>(layer.rnn.units);
  if (states->dims != std::vector<std::int64_t>{1, n, units} || !states->channels_first())
    return fail_parameter("the states are not [1, sequences, units], packed");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t read_pass(const Descriptors& descriptors, Layer& layer) {
  if (const auto status = read_layer(descriptors.handle, descriptors.rnn, descriptors.x, layer))
    return status;
  const auto y = sequences().find(descriptors.y);
  if (y == nullptr) return fail_parameter("an unknown descriptor of y");
  if (const auto status = check_sequences(layer, *y)) return status;
  if (y->steps != layer.n.steps || y->sequences != layer.n.sequences ||
      y->features != layer.rnn.units)
    return fail_parameter("y is not what x and the RNN make of it");
  if (const auto status = check_states(layer, descriptors.h)) return status;
  return layer.rnn.lstm && descriptors.c != descriptors.h ? check_states(layer, descriptors.c)
                                                          : CUDNN_STATUS_SUCCESS;
}

// A buffer that a caller gives and what is wanted of it.
struct Space {
  const void* given;
  std::size_t given_bytes, wanted_bytes;
  const char* name;

  CudnnRange range() const { return {given, wanted_bytes, name}; }
};

cudnnStatus_t check_spaces(const std::vector<Space>& spaces) {
  for (const Space& space : spaces) {
    if (space.given_bytes < space.wanted_bytes ||
        (space.wanted_bytes > 0 && space.given == nullptr))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "a space is too small");
    if (space.wanted_bytes > 0 && cudnn_misaligned(space.given, space_alignment))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a space is misaligned");
  }
  return CUDNN_STATUS_SUCCESS;
}

// What SMALL_H cannot do shows when it is launched.
cudnnStatus_t check_small(const CudnnRnn& rnn, bool backward) {
  if (rnn.algorithm != CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H) return CUDNN_STATUS_SUCCESS;
  const bool fits = backward ? rnn.units % 32 == 0 && rnn.units <= 128 : rnn.units <= 192;
  return fits ? CUDNN_STATUS_SUCCESS : fail_unsupported("a number of units that is not small");
}

bool any_null(std::initializer_list<const void*> pointers) {
  return std::find(pointers.begin(), pointers.end(), nullptr) != pointers.end();
}

// States that a gru has none of.
cudnnStatus_t check_cells(const Layer& layer, std::initializer_list<const void*> cells) {
  const bool any =
      std::any_of(cells.begin(), cells.end(), [](const void* p) { return p != nullptr; });
  return any && !layer.rnn.lstm ? fail_parameter("a gru has no cells") : CUDNN_STATUS_SUCCESS;
}

// The ranges of states that are there.
void append_states(const Layer& layer, std::initializer_list<const void*> states,
                   std::vector<CudnnRange>& memory) {
  for (const void* state : states)
    if (state != nullptr) memory.push_back({state, layer.state_bytes(), "a state"});
}

// Puts a pass on the stream. A caller's data that lies in the work space by mistake is lost.
template <class Pass>
cudnnStatus_t enqueue_pass(const Layer& layer, std::vector<CudnnRange> memory,
                           const std::vector<Space>& spaces, void* work, std::size_t work_bytes,
                           Pass pass) {
  for (const Space& space : spaces) memory.push_back(space.range());
  return enqueue_cudnn(*layer.context, std::move(memory), [=] {
    std::memset(work, 0xFF, work_bytes);
    pass();
  });
}

const float* floats(const void* memory) {
  return static_cast<const float*>(memory);
}
float* floats(void* memory) {
  return static_cast<float*>(memory);
}

}  // namespace

std::size_t cudnn_rnn_descriptors() {
  return rnns().size() + sequences().size();
}

}  // namespace simcuda

using namespace simcuda;

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* out) {
  return cudnn_create(rnns(), out);
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t handle) {
  return cudnn_destroy(rnns(), handle);
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t handle, cudnnRNNAlgo_t algorithm,
                                       cudnnRNNMode_t cell, cudnnRNNBiasMode_t bias,
                                       cudnnDirectionMode_t direction, cudnnRNNInputMode_t input,
                                       cudnnDataType_t type, cudnnDataType_t precision,
                                       cudnnMathType_t math, int32_t inputs, int32_t units,
                                       int32_t projection, int32_t layers,
                                       cudnnDropoutDescriptor_t dropout, uint32_t flags) {
  return cudnn_change(rnns(), handle, [&](CudnnRnn& rnn) {
    if (algorithm < 0 || algorithm >= CUDNN_RNN_ALGO_COUNT || inputs < 1 || units < 1 ||
        layers < 1 || projection < 1)
      return fail_parameter("an unknown algorithm or an extent out of range");
    if (algorithm != CUDNN_RNN_ALGO_STANDARD && bias != CUDNN_RNN_DOUBLE_BIAS)
      return fail_unsupported("a persistent algorithm wants two biases");
    if ((cell != CUDNN_LSTM && cell != CUDNN_GRU) || bias != CUDNN_RNN_DOUBLE_BIAS ||
        direction != CUDNN_UNIDIRECTIONAL || input != CUDNN_LINEAR_INPUT ||
        type != CUDNN_DATA_FLOAT || precision != CUDNN_DATA_FLOAT || projection != units ||
        layers != 1 || dropout != nullptr || flags != CUDNN_RNN_PADDED_IO_DISABLED)
      return fail_unsupported("a kind of RNN that is not simulated");
    rnn = {algorithm, cell == CUDNN_LSTM, math != CUDNN_FMA_MATH, static_cast<std::size_t>(inputs),
           static_cast<std::size_t>(units)};
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* out) {
  return cudnn_create(sequences(), out);
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t handle) {
  return cudnn_destroy(sequences(), handle);
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t handle, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int steps, int count,
                                        int features, const int lengths[], void*) {
  return cudnn_change(sequences(), handle, [&](Sequences& data) {
    if (steps < 1 || count < 1 || features < 1 || lengths == nullptr)
      return fail_parameter("an extent below 1, or no lengths");
    if (std::any_of(lengths, lengths + count, [&](int n) { return n < 0 || n > steps; }))
      return fail_parameter("a length out of range");
    if (type != CUDNN_DATA_FLOAT) return fail_unsupported("a type that is not simulated");
    data = {layout, static_cast<std::size_t>(steps), static_cast<std::size_t>(count),
            static_cast<std::size_t>(features),
            std::all_of(lengths, lengths + count, [&](int n) { return n == steps; })};
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                                   int count) {
  return enter_cudnn(Call::unsafe, [&] {
    const auto rnn = rnns().find(descriptor);
    if (cudnn_contexts().find(handle) == nullptr || rnn == nullptr || !rnn->is_set() || count < 1)
      return fail_parameter("an unknown handle or descriptor, or no sequences");
    if (rnn->algorithm != CUDNN_RNN_ALGO_PERSIST_DYNAMIC)
      return fail_parameter("an algorithm that is not compiled at run time");
    if (rnn->units > most_dynamic_units) return fail_unsupported("too many units to compile");
    rnn->built_for = static_cast<std::size_t>(count);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                        cudnnForwardMode_t mode, cudnnRNNDataDescriptor_t x,
                                        size_t* work, size_t* reserve) {
  return enter_cudnn(Call::ordinary, [&] {
    Layer layer;
    if (const cudnnStatus_t status = read_layer(handle, rnn, x, layer)) return status;
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    if (work != nullptr) *work = layer.work_bytes(training);
    if (reserve != nullptr) *reserve = training ? layer.reserve_bytes() : 0;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                                         size_t* bytes) {
  return enter_cudnn(Call::ordinary, [&] {
    const auto rnn = rnns().find(descriptor);
    if (cudnn_contexts().find(handle) == nullptr || rnn == nullptr || !rnn->is_set() ||
        bytes == nullptr)
      return fail_parameter("an unknown handle or descriptor, or no size");
    *bytes = cudnn_rnn_weights(*rnn) * float_bytes;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                                      int32_t layer, size_t bytes, const void* weights,
                                      int32_t gate, cudnnTensorDescriptor_t matrix,
                                      void** matrix_at, cudnnTensorDescriptor_t bias,
                                      void** bias_at) {
  return enter_cudnn(Call::ordinary, [&] {
    const auto rnn = rnns().find(descriptor);
    const auto m = cudnn_tensors().find(matrix), b = cudnn_tensors().find(bias);
    if (cudnn_contexts().find(handle) == nullptr || rnn == nullptr || !rnn->is_set() ||
        m == nullptr || b == nullptr)
      return fail_parameter("an unknown handle or descriptor");
    if (any_null({weights, matrix_at, bias_at}))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no weights, or no room for a place");
    if (layer != 0 || gate < 0 || static_cast<std::size_t>(gate) >= 2 * rnn->gates())
      return fail_parameter("a layer or gate out of range");
    if (bytes < cudnn_rnn_weights(*rnn) * float_bytes)
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "the weight space is too small");
    const CudnnRnnGate place = cudnn_rnn_gate(*rnn, static_cast<std::size_t>(gate));
    const auto units = static_cast<std::int64_t>(rnn->units),
               columns = static_cast<std::int64_t>(place.columns);
    *m = {CUDNN_DATA_FLOAT, {1, units, columns}, {units * columns, columns, 1}};
    *b = {CUDNN_DATA_FLOAT, {1, units, 1}, {units, 1, 1}};
    auto* base = static_cast<float*>(const_cast<void*>(weights));
    *matrix_at = base + place.matrix;
    *bias_at = base + place.bias;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                              cudnnForwardMode_t mode, const int32_t[],
                              cudnnRNNDataDescriptor_t x_descriptor, const void* x,
                              cudnnRNNDataDescriptor_t y_descriptor, void* y,
                              cudnnTensorDescriptor_t h, const void* hx, void* hy,
                              cudnnTensorDescriptor_t c, const void* cx, void* cy,
                              size_t weight_bytes, const void* weights, size_t work_bytes,
                              void* work, size_t reserve_bytes, void* reserve) {
  return enter_cudnn(Call::ordinary, [&] {
    Layer layer;
    if (const auto s = read_pass({handle, rnn, x_descriptor, y_descriptor, h, c}, layer)) return s;
    if (const auto s = check_small(layer.rnn, false)) return s;
    if (const auto s = check_cells(layer, {cx, cy})) return s;
    if (any_null({x, y}))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "an operand is null");
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    const std::vector<Space> spaces{
        {weights, weight_bytes, layer.weight_bytes(), "the weight space"},
        {work, work_bytes, layer.work_bytes(training), "the work space"},
        {reserve, reserve_bytes, training ? layer.reserve_bytes() : 0, "the reserve space"}};
    if (const auto s = check_spaces(spaces)) return s;
    std::vector<CudnnRange> memory{{x, layer.x_bytes(), "x"}, {y, layer.y_bytes(), "y"}};
    append_states(layer, {hx, hy, cx, cy}, memory);
    const CudnnRnnOperands o{
        floats(x),  floats(y),  floats(hx),      floats(cx),
        floats(hy), floats(cy), floats(weights), training ? floats(reserve) : nullptr};
    return enqueue_pass(layer, std::move(memory), spaces, work, layer.work_bytes(training),
                        [=] { cudnn_rnn_forward(layer.rnn, layer.n, o); });
  });
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                      const int32_t[], cudnnRNNDataDescriptor_t y_descriptor,
                                      const void* y, const void* dy,
                                      cudnnRNNDataDescriptor_t x_descriptor, void* dx,
                                      cudnnTensorDescriptor_t h, const void* hx, const void* dhy,
                                      void* dhx, cudnnTensorDescriptor_t c, const void* cx,
                                      const void* dcy, void* dcx, size_t weight_bytes,
                                      const void* weights, size_t work_bytes, void* work,
                                      size_t reserve_bytes, void* reserve) {
  return enter_cudnn(Call::ordinary, [&] {
    Layer layer;
    if (const auto s = read_pass({handle, rnn, x_descriptor, y_descriptor, h, c}, layer)) return s;
    if (const auto s = check_small(layer.rnn, true)) return s;
    if (const auto s = check_cells(layer, {cx, dcy, dcx})) return s;
    if (any_null({y, dy, dx}))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "an operand is null");
    const std::vector<Space> spaces{
        {weights, weight_bytes, layer.weight_bytes(), "the weight space"},
        {work, work_bytes, layer.work_bytes(true), "the work space"},
        {reserve, reserve_bytes, layer.reserve_bytes(), "the reserve space"}};
    if (const auto s = check_spaces(spaces)) return s;
    std::vector<CudnnRange> memory{
        {y, layer.y_bytes(), "y"}, {dy, layer.y_bytes(), "dy"}, {dx, layer.x_bytes(), "dx"}};
    append_states(layer, {hx, dhy, dhx, cx, dcy, dcx}, memory);
    const CudnnRnnOperands o{nullptr,         floats(const_cast<void*>(y)),
                             floats(hx),      floats(cx),
                             nullptr,         nullptr,
                             floats(weights), floats(reserve)};
    const CudnnRnnGradients d{floats(dy), floats(dhy), floats(dcy),
                              floats(dx), floats(dhx), floats(dcx)};
    return enqueue_pass(layer, std::move(memory), spaces, work, layer.work_bytes(true),
                        [=] { cudnn_rnn_backward_data(layer.rnn, layer.n, o, d); });
  });
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                         cudnnWgradMode_t mode, const int32_t[],
                                         cudnnRNNDataDescriptor_t x_descriptor, const void* x,
                                         cudnnTensorDescriptor_t h, const void* hx,
                                         cudnnRNNDataDescriptor_t y_descriptor, const void* y,
                                         size_t weight_bytes, void* dweights, size_t work_bytes,
                                         void* work, size_t reserve_bytes, void* reserve) {
  return enter_cudnn(Call::ordinary, [&] {
    Layer layer;
    if (const auto s = read_pass({handle, rnn, x_descriptor, y_descriptor, h, h}, layer)) return s;
    if (const auto s = check_small(layer.rnn, true)) return s;
    if (mode != CUDNN_WGRAD_MODE_ADD) return fail_unsupported("gradients are added alone");
    if (any_null({x, y}))
      return cudnn_fail(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "an operand is null");
    const std::vector<Space> spaces{
        {dweights, weight_bytes, layer.weight_bytes(), "the gradient's weight space"},
        {work, work_bytes, layer.work_bytes(true), "the work space"},
        {reserve, reserve_bytes, layer.reserve_bytes(), "the reserve space"}};
    if (const auto s = check_spaces(spaces)) return s;
    std::vector<CudnnRange> memory{{x, layer.x_bytes(), "x"}, {y, layer.y_bytes(), "y"}};
    append_states(layer, {hx}, memory);
    const CudnnRnnOperands o{floats(x),  floats(const_cast<void*>(y)),
                             floats(hx), nullptr,
                             nullptr,    nullptr,
                             nullptr,    floats(reserve)};
    return enqueue_pass(layer, std::move(memory), spaces, work, layer.work_bytes(true), [=] {
      cudnn_rnn_backward_weights(layer.rnn, layer.n, o, floats(dweights));
    });
  });
}
