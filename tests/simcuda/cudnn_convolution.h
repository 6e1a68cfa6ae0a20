// The convolution that both of the simulated cuDNN's interfaces come down to, as plain loops over
// strides.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <vector>

namespace simcuda {

// Dimensions N (or K), C, then the spatial ones; strides in elements.
struct CudnnTensor {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<std::int64_t> dims, strides;

  bool is_set() const { return !dims.empty(); }
  // Dense with either axis innermost; a tensor of one channel or one position is both.
  bool channels_first() const { return packed(false); }
  bool channels_last() const { return packed(true); }
  void pack(bool last);  // sets the strides
  std::size_t element_bytes() const { return type == CUDNN_DATA_BFLOAT16 ? 2 : 4; }
  std::size_t bytes() const;  // from the first element to past the last

 private:
  bool packed(bool last) const;
};

enum class CudnnDirection { forward, input_gradient, weight_gradient };

struct CudnnConvolution {
  CudnnDirection direction = CudnnDirection::forward;
  CudnnTensor x, w, y;
  std::vector<std::int64_t> before, after, stride, dilation;
  bool tf32 = false;
  bool deterministic = true;
  float alpha = 1, beta = 0;

  std::size_t rank() const { return stride.size(); }
  std::int64_t groups() const { return x.dims[1] / w.dims[1]; }
  bool symmetric() const { return before == after; }
  bool of_one_type() const { return x.type == w.type && x.type == y.type; }
  bool channels_first() const {
    return x.channels_first() && w.channels_first() && y.channels_first();
  }
  bool channels_last() const { return x.channels_last() && w.channels_last() && y.channels_last(); }
  const CudnnTensor& result() const;
  std::int64_t largest(const std::vector<std::int64_t>& values) const;
};

struct CudnnOperands {
  void *x, *w, *y;
  void* workspace;
};

// Null where the shapes fit together, else what does not.
const char* why_shapes_differ(const CudnnConvolution& convolution);

// Device memory must be open. A result that is not deterministic is summed in another order on
// every other call.
void compute_convolution(const CudnnConvolution& convolution, const CudnnOperands& operands);

}  // namespace simcuda
