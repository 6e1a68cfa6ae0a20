#include "cudnn_convolution.h"

#include <algorithm>
#include <array>

#include "product.h"

namespace simcuda {
namespace {

using Position = std::array<std::int64_t, 3>;

// A tensor with three spatial dimensions, those it lacks in front.
struct View {
  std::int64_t outer, channels;
  Position extents{1, 1, 1};
  std::int64_t outer_stride, channel_stride;
  Position strides{0, 0, 0};
  bool bf16;
  void* data;

  View(const CudnnTensor& tensor, void* memory)
      : outer(tensor.dims[0]),
        channels(tensor.dims[1]),
        outer_stride(tensor.strides[0]),
        channel_stride(tensor.strides[1]),
        bf16(tensor.type == CUDNN_DATA_BFLOAT16),
        data(memory) {
    std::copy(tensor.dims.begin() + 2, tensor.dims.end(), extents.end() - spatial(tensor));
    std::copy(tensor.strides.begin() + 2, tensor.strides.end(), strides.end() - spatial(tensor));
  }
  static std::ptrdiff_t spatial(const CudnnTensor& tensor) {
    return static_cast<std::ptrdiff_t>(tensor.dims.size()) - 2;
  }
  std::int64_t at(std::int64_t o, std::int64_t c, const Position& p) const {
    return o * outer_stride + c * channel_stride + p[0] * strides[0] + p[1] * strides[1] +
           p[2] * strides[2];
  }
  float load(std::int64_t i) const {
    return bf16 ? from_bf16(static_cast<const std::uint16_t*>(data)[i])
                : static_cast<const float*>(data)[i];
  }
  void store(std::int64_t i, float value) const {
    if (bf16)
      static_cast<std::uint16_t*>(data)[i] = to_bf16(value);
    else
      static_cast<float*>(data)[i] = value;
  }
};

template <class Body>
void each(const Position& extents, Body body) {
  for (std::int64_t i = 0; i < extents[0]; ++i)
    for (std::int64_t j = 0; j < extents[1]; ++j)
      for (std::int64_t k = 0; k < extents[2]; ++k) body(Position{i, j, k});
}

Position widened(const std::vector<std::int64_t>& values, std::int64_t filler) {
  Position position{filler, filler, filler};
  std::copy(values.begin(), values.end(),
            position.end() - static_cast<std::ptrdiff_t>(values.size()));
  return position;
}

class Loops {
 public:
  Loops(const CudnnConvolution& c, const CudnnOperands& operands, bool backwards)
      : c_(c),
        x_(c.x, operands.x),
        w_(c.w, operands.w),
        y_(c.y, operands.y),
        before_(widened(c.before, 0)),
        stride_(widened(c.stride, 1)),
        dilation_(widened(c.dilation, 1)),
        group_outputs_(w_.outer / c.groups()),
        backwards_(backwards) {}

  void run() const {
    if (c_.direction == CudnnDirection::forward) forward();
    if (c_.direction == CudnnDirection::input_gradient) input_gradient();
    if (c_.direction == CudnnDirection::weight_gradient) weight_gradient();
  }

 private:
  float operand(float value) const { return c_.tf32 ? round_to_tf32(value) : value; }
  std::int64_t turn(std::int64_t i, std::int64_t count) const {
    return backwards_ ? count - 1 - i : i;
  }
  std::int64_t first_channel(std::int64_t k) const { return k / group_outputs_ * w_.channels; }

  void finish(const View& out, std::int64_t at, float sum) const {
    out.store(at, c_.alpha * sum + (c_.beta != 0 ? c_.beta * out.load(at) : 0.0f));
  }
  // Where in x the filter's position r lies for output position p; false in the padding.
  bool locate(const Position& p, const Position& r, Position& s) const {
    for (std::size_t d = 0; d < 3; ++d) {
      s[d] = p[d] * stride_[d] + r[d] * dilation_[d] - before_[d];
      if (s[d] < 0 || s[d] >= x_.extents[d]) return false;
    }
    return true;
  }
  // The output position that reads x's position s through r; false where there is none.
  bool locate_output(const Position& s, const Position& r, Position& p) const {
    for (std::size_t d = 0; d < 3; ++d) {
      const std::int64_t offset = s[d] + before_[d] - r[d] * dilation_[d];
      p[d] = offset / stride_[d];
      if (offset < 0 || offset % stride_[d] != 0 || p[d] >= y_.extents[d]) return false;
    }
    return true;
  }

  void forward() const {
    for (std::int64_t n = 0; n < y_.outer; ++n)
      for (std::int64_t k = 0; k < y_.channels; ++k)
        each(y_.extents, [&](const Position& p) {
          float sum = 0;
          each(w_.extents, [&](const Position& r) {
            Position s;
            if (!locate(p, r, s)) return;
            for (std::int64_t c = 0; c < w_.channels; ++c)
              sum += operand(x_.load(x_.at(n, first_channel(k) + c, s))) *
                     operand(w_.load(w_.at(k, c, r)));
          });
          finish(y_, y_.at(n, k, p), sum);
        });
  }
  void input_gradient() const {
    for (std::int64_t n = 0; n < x_.outer; ++n)
      for (std::int64_t c = 0; c < x_.channels; ++c)
        each(x_.extents, [&](const Position& s) {
          const std::int64_t group = c / w_.channels;
          float sum = 0;
          each(w_.extents, [&](const Position& r) {
            Position p;
            if (!locate_output(s, r, p)) return;
            for (std::int64_t i = 0; i < group_outputs_; ++i) {
              const std::int64_t k = group * group_outputs_ + turn(i, group_outputs_);
              sum +=
                  operand(y_.load(y_.at(n, k, p))) * operand(w_.load(w_.at(k, c % w_.channels, r)));
            }
          });
          finish(x_, x_.at(n, c, s), sum);
        });
  }
  void weight_gradient() const {
    for (std::int64_t k = 0; k < w_.outer; ++k)
      for (std::int64_t c = 0; c < w_.channels; ++c)
        each(w_.extents, [&](const Position& r) {
          float sum = 0;
          for (std::int64_t i = 0; i < y_.outer; ++i) {
            const std::int64_t n = turn(i, y_.outer);
            each(y_.extents, [&](const Position& p) {
              Position s;
              if (locate(p, r, s))
                sum += operand(x_.load(x_.at(n, first_channel(k) + c, s))) *
                       operand(y_.load(y_.at(n, k, p)));
            });
          }
          finish(w_, w_.at(k, c, r), sum);
        });
  }

  const CudnnConvolution& c_;
  View x_, w_, y_;
  Position before_, stride_, dilation_;
  std::int64_t group_outputs_;
  bool backwards_;
};

}  // namespace

std::size_t CudnnTensor::bytes() const {
  std::int64_t last = 0;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 0) return 0;
    last += (dims[d] - 1) * strides[d];
  }
  return static_cast<std::size_t>(last + 1) * element_bytes();
}

void CudnnTensor::pack(bool last) {
  strides.assign(dims.size(), 1);
  std::int64_t stride = last ? dims[1] : 1;
  for (std::size_t d = dims.size(); d-- > 2; stride *= dims[d]) strides[d] = stride;
  strides[1] = last ? 1 : stride;
  strides[0] = last ? stride : stride * dims[1];
}

bool CudnnTensor::packed(bool last) const {
  CudnnTensor dense = *this;
  dense.pack(last);
  for (std::size_t d = 0; d < dims.size(); ++d)
    if (dims[d] != 1 && strides[d] != dense.strides[d]) return false;
  return true;
}

const CudnnTensor& CudnnConvolution::result() const {
  return direction == CudnnDirection::forward          ? y
         : direction == CudnnDirection::input_gradient ? x
                                                       : w;
}

std::int64_t CudnnConvolution::largest(const std::vector<std::int64_t>& values) const {
  return *std::max_element(values.begin(), values.end());
}

const char* why_shapes_differ(const CudnnConvolution& c) {
  const std::size_t dims = c.rank() + 2;
  if (c.x.dims.size() != dims || c.w.dims.size() != dims || c.y.dims.size() != dims)
    return "the tensors and the window differ in rank";
  if (c.w.dims[1] == 0 || c.x.dims[1] % c.w.dims[1] != 0 || c.w.dims[0] % c.groups() != 0)
    return "the channels are no whole groups";
  if (c.x.dims[0] != c.y.dims[0] || c.y.dims[1] != c.w.dims[0])
    return "batch or output channels differ";
  for (std::size_t d = 0; d < c.rank(); ++d) {
    const std::int64_t room =
        c.x.dims[d + 2] + c.before[d] + c.after[d] - (c.w.dims[d + 2] - 1) * c.dilation[d] - 1;
    if (room < 0 || room / c.stride[d] + 1 != c.y.dims[d + 2])
      return "a spatial extent of y is not what x, w and the window give";
  }
  return nullptr;
}

void compute_convolution(const CudnnConvolution& convolution, const CudnnOperands& operands) {
  static bool backwards = false;
  if (!convolution.deterministic) backwards = !backwards;
  Loops(convolution, operands, backwards && !convolution.deterministic).run();
}

}  // namespace simcuda
