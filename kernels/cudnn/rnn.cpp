#include "kernels/cudnn/rnn.h"

#include <array>

namespace engine::cuda {
namespace {

TensorDescriptor make_tensor_descriptor() {
  cudnnTensorDescriptor_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreateTensorDescriptor, &created);
  return TensorDescriptor(created);
}

}  // namespace

LibraryRnn::LibraryRnn(const RecurrentExtents& extents, const RecurrentCell& cell, bool training)
    : sequences_(static_cast<int>(extents.sequences)),
      steps_(static_cast<int>(extents.steps)),
      inputs_(static_cast<int>(extents.inputs)),
      units_(static_cast<int>(extents.units)),
      lstm_(cell.states == 2),
      training_(training),
      x_(describe_sequences(inputs_)),
      y_(describe_sequences(units_)),
      states_(describe_states()),
      matrix_(make_tensor_descriptor()),
      bias_(make_tensor_descriptor()) {
  cudnnRNNDescriptor_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreateRNNDescriptor, &created);
  rnn_.reset(created);
}

LibraryRnn::DataDescriptor LibraryRnn::describe_sequences(int features) const {
  cudnnRNNDataDescriptor_t created = nullptr;
  ENGINE_CUDNN_CHECK(cudnnCreateRNNDataDescriptor, &created);
  DataDescriptor descriptor(created);
  const std::vector<int> lengths(static_cast<std::size_t>(sequences_), steps_);
  ENGINE_CUDNN_CHECK(cudnnSetRNNDataDescriptor, created, CUDNN_DATA_FLOAT,
                     CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED, steps_, sequences_, features,
                     lengths.data(), nullptr);
  return descriptor;
}

TensorDescriptor LibraryRnn::describe_states() const {
  TensorDescriptor descriptor = make_tensor_descriptor();
  const std::array<int, 3> dims{1, sequences_, units_}, strides{sequences_ * units_, units_, 1};
  ENGINE_CUDNN_CHECK(cudnnSetTensorNdDescriptor, descriptor.get(), CUDNN_DATA_FLOAT, 3, dims.data(),
                     strides.data());
  return descriptor;
}

bool LibraryRnn::prepare(cudnnHandle_t handle, cudnnRNNAlgo_t algorithm, cudnnMathType_t math) {
  if (!ENGINE_CUDNN_SUPPORTS(cudnnSetRNNDescriptor_v8, rnn_.get(), algorithm,
                             lstm_ ? CUDNN_LSTM : CUDNN_GRU, CUDNN_RNN_DOUBLE_BIAS,
                             CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT,
                             CUDNN_DATA_FLOAT, math, inputs_, units_, units_, 1, nullptr,
                             CUDNN_RNN_PADDED_IO_DISABLED))
    return false;
  if (algorithm == CUDNN_RNN_ALGO_PERSIST_DYNAMIC &&
      !ENGINE_CUDNN_SUPPORTS(cudnnBuildRNNDynamic, handle, rnn_.get(), sequences_))
    return false;
  const auto mode = training_ ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE;
  return ENGINE_CUDNN_SUPPORTS(cudnnGetRNNTempSpaceSizes, handle, rnn_.get(), mode, x_.get(),
                               &work_bytes_, &reserve_bytes_) &&
         ENGINE_CUDNN_SUPPORTS(cudnnGetRNNWeightSpaceSize, handle, rnn_.get(), &weight_bytes_);
}

std::vector<RnnGate> LibraryRnn::gates(cudnnHandle_t handle, void* weights) const {
  std::vector<RnnGate> gates;
  const int count = lstm_ ? 8 : 6;
  for (int gate = 0; gate < count; ++gate) {
    void *matrix_at = nullptr, *bias_at = nullptr;
    ENGINE_CUDNN_CHECK(cudnnGetRNNWeightParams, handle, rnn_.get(), 0, weight_bytes_, weights, gate,
                       matrix_.get(), &matrix_at, bias_.get(), &bias_at);
    gates.push_back({static_cast<float*>(matrix_at), static_cast<float*>(bias_at)});
  }
  return gates;
}

// Lengths on the device are not wanted since 8.9.1: the descriptors of x and y have them.
void LibraryRnn::forward(cudnnHandle_t handle, const RnnOperands& o,
                         const RnnMemory& memory) const {
  const auto mode = training_ ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE;
  ENGINE_CUDNN_CHECK(cudnnRNNForward, handle, rnn_.get(), mode, nullptr, x_.get(), o.x, y_.get(),
                     o.y, states_.get(), o.initial[0], o.states[0], cells(), o.initial[1],
                     o.states[1], weight_bytes_, memory.weights, work_bytes_, memory.work,
                     reserve_bytes_, memory.reserve);
}

void LibraryRnn::backward_data(cudnnHandle_t handle, const RnnOperands& o, const RnnGradients& d,
                               const RnnMemory& memory) const {
  ENGINE_CUDNN_CHECK(cudnnRNNBackwardData_v8, handle, rnn_.get(), nullptr, y_.get(), o.y, d.dy,
                     x_.get(), d.dx, states_.get(), o.initial[0], d.dstates[0], d.dinitial[0],
                     cells(), o.initial[1], d.dstates[1], d.dinitial[1], weight_bytes_,
                     memory.weights, work_bytes_, memory.work, reserve_bytes_, memory.reserve);
}

void LibraryRnn::backward_weights(cudnnHandle_t handle, const RnnOperands& o,
                                  const RnnMemory& memory, void* gradients) const {
  ENGINE_CUDNN_CHECK(cudnnRNNBackwardWeights_v8, handle, rnn_.get(), CUDNN_WGRAD_MODE_ADD, nullptr,
                     x_.get(), o.x, states_.get(), o.initial[0], y_.get(), o.y, weight_bytes_,
                     gradients, work_bytes_, memory.work, reserve_bytes_, memory.reserve);
}

}  // namespace engine::cuda
