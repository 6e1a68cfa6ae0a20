// One recurrent layer in cuDNN's terms: descriptors, memory, and the three calls that go through
// it.
//
// It has one layer in one direction, no drop-out (whose state a capture cannot have), both biases,
// which algorithms other than the standard one insist on, and sequences of one length, steps first,
// which all of them take.
#pragma once

#include <vector>

#include "kernels/cudnn/handle.h"
#include "kernels/recurrent.h"

namespace engine::cuda {

/// Where a weight space has the matrix [H, I] or [H, H] and the bias [H] of a gate.
struct RnnGate {
  float *matrix, *bias;
};

/// The three buffers of a layer.
struct RnnMemory {
  void *weights, *work, *reserve;  ///< the last for training alone
};

/// Device memory of sequences, [T, N, ...], and states, [N, H]. What may be absent is nullptr then.
struct RnnOperands {
  const float* x;
  float* y;
  const float* initial[2];  ///< zeros where absent
  float* states[2];         ///< final; not stored where absent
};
struct RnnGradients {
  const float* dy;
  const float* dstates[2];  ///< zeros where absent
  float* dx;
  float* dinitial[2];  ///< not stored where absent
};

class LibraryRnn {
 public:
  /// `cell` is kLstm or kGruResetAfter; no extent is 0, each and the products of them fit an int.
  LibraryRnn(const RecurrentExtents& extents, const RecurrentCell& cell, bool training);

  /// Describes the layer to the library, compiles what it compiles at run time, and learns the
  /// sizes of its memory. False when the algorithm does not solve the problem. Not while a stream
  /// captures.
  bool prepare(cudnnHandle_t handle, cudnnRNNAlgo_t algorithm, cudnnMathType_t math);

  std::size_t weight_bytes() const { return weight_bytes_; }
  std::size_t work_bytes() const { return work_bytes_; }
  std::size_t reserve_bytes() const { return reserve_bytes_; }

  /// The gates of w, then those of r, in the library's order: i, f, g, o, or r, z, n.
  std::vector<RnnGate> gates(cudnnHandle_t handle, void* weights) const;

  /// On the handle's stream, as are the others.
  void forward(cudnnHandle_t handle, const RnnOperands& o, const RnnMemory& memory) const;
  /// After a forward pass of training, whose reserve it reads and completes.
  void backward_data(cudnnHandle_t handle, const RnnOperands& o, const RnnGradients& d,
                     const RnnMemory& memory) const;
  /// After backward_data; adds to `gradients`, a weight space.
  void backward_weights(cudnnHandle_t handle, const RnnOperands& o, const RnnMemory& memory,
                        void* gradients) const;

 private:
  static CudnnDestroy<cudnnRNNDescriptor_t> destroy_rnn() {
    return ENGINE_CUDNN(cudnnDestroyRNNDescriptor);
  }
  static CudnnDestroy<cudnnRNNDataDescriptor_t> destroy_data() {
    return ENGINE_CUDNN(cudnnDestroyRNNDataDescriptor);
  }
  using RnnDescriptor = CudnnDescriptor<cudnnRNNDescriptor_t, destroy_rnn>;
  using DataDescriptor = CudnnDescriptor<cudnnRNNDataDescriptor_t, destroy_data>;

  DataDescriptor describe_sequences(int features) const;
  TensorDescriptor describe_states() const;
  cudnnTensorDescriptor_t cells() const { return lstm_ ? states_.get() : nullptr; }

  int sequences_, steps_, inputs_, units_;
  bool lstm_, training_;
  RnnDescriptor rnn_;
  DataDescriptor x_, y_;
  TensorDescriptor states_, matrix_, bias_;  ///< the latter two of a gate
  std::size_t weight_bytes_ = 0, work_bytes_ = 0, reserve_bytes_ = 0;
};

}  // namespace engine::cuda
