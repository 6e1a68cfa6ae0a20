// The recurrent layer of the simulated cuDNN, as plain loops: one layer in one direction over
// sequences of one length, steps first.
#pragma once

#include <cudnn.h>

#include <cstddef>

namespace simcuda {

struct CudnnRnn {
  cudnnRNNAlgo_t algorithm = CUDNN_RNN_ALGO_STANDARD;
  bool lstm = false;  // or a gru
  bool tf32 = false;
  std::size_t inputs = 0, units = 0;
  std::size_t built_for = 0;  // sequences, of what is compiled at run time

  bool is_set() const { return units != 0; }
  std::size_t gates() const { return lstm ? 4 : 3; }
  std::size_t width() const { return gates() * units; }
};

// Where a weight space has the matrix [units, columns] and the bias of a gate, in floats. Gates of
// the inputs count from 0, those of the state follow. Neither their order in memory nor the gaps
// between them are what a caller would guess.
struct CudnnRnnGate {
  std::size_t matrix, bias, columns;
};
CudnnRnnGate cudnn_rnn_gate(const CudnnRnn& rnn, std::size_t gate);
std::size_t cudnn_rnn_weights(const CudnnRnn& rnn);  // floats
std::size_t cudnn_rnn_reserve(const CudnnRnn& rnn,
                              std::size_t rows);  // floats, of steps · sequences

struct CudnnRnnExtents {
  std::size_t steps, sequences;
  std::size_t rows() const { return steps * sequences; }
};

// What may be absent is null.
struct CudnnRnnOperands {
  const float* x;
  float* y;
  const float *hx, *cx;
  float *hy, *cy;
  const float* weights;
  float* reserve;  // of training
};
struct CudnnRnnGradients {
  const float *dy, *dhy, *dcy;
  float *dx, *dhx, *dcx;
};

// Device memory must be open. Backward passes of the data want a reserve that a forward pass
// filled, those of the weights one that the data's went through as well: without, results are NaN.
void cudnn_rnn_forward(const CudnnRnn& rnn, const CudnnRnnExtents& n, const CudnnRnnOperands& o);
void cudnn_rnn_backward_data(const CudnnRnn& rnn, const CudnnRnnExtents& n,
                             const CudnnRnnOperands& o, const CudnnRnnGradients& d);
void cudnn_rnn_backward_weights(const CudnnRnn& rnn, const CudnnRnnExtents& n,
                                const CudnnRnnOperands& o, float* dweights);

}  // namespace simcuda
