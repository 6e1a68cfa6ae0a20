// bf16 on the CPU: a storage format. Loops are written over float, and reach bf16 operands through
// blocks that are converted in the cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/core/bfloat16.h"
#include "engine/device/cpu/parallel.h"
#include "engine/tune/candidate.h"
#include "kernels/cpu/simd.h"

namespace engine::cpu {

/// y[i] = x[i] for 0 <= i < count.
void widen(const bfloat16* x, float* y, std::int64_t count);
/// The same, rounded to nearest, ties to even.
void narrow(const float* x, bfloat16* y, std::int64_t count);
/// y[i] = x[i] rounded to bf16. y may be x.
void round_to_bfloat16(const float* x, float* y, std::int64_t count);

/// Elements converted at a time: a few operands of so many floats fit the first-level cache.
inline constexpr std::int64_t kFloatBlock = 1024;

/// A range of a dense operand, f32 or bf16, as floats: in place, or in a buffer of its own.
class FloatRange {
 public:
  /// Elements [first, first + count) of `view`; `count` is at most kFloatBlock for bf16.
  FloatRange(const TensorView& view, std::int64_t first, std::int64_t count) : count_(count) {
    if (view.type.dtype == DType::bf16)
      narrow_ = view.as<bfloat16>() + first;
    else
      data_ = view.as<float>() + first;
  }
  FloatRange(const FloatRange&) = delete;
  FloatRange& operator=(const FloatRange&) = delete;

  /// For reading.
  const float* read() {
    if (narrow_ != nullptr) widen(narrow_, buffer_, count_);
    return data();
  }
  /// For writing: write back with flush().
  float* data() { return narrow_ != nullptr ? buffer_ : data_; }
  void flush() const {
    if (narrow_ != nullptr) narrow(buffer_, narrow_, count_);
  }

 private:
  bfloat16* narrow_ = nullptr;
  float* data_ = nullptr;
  std::int64_t count_;
  alignas(64) float buffer_[kFloatBlock];
};

/// Calls body(first, count, float* y, const float*... in) over parts of dense operands of y's shape
/// and type, f32 or bf16, on all threads; `first`, the part's first element, is a multiple of 64. y
/// may be any of the inputs.
template <class Body, class... Inputs>
void for_each_float_range(const Body& body, const TensorView& y, const Inputs&... in) {
  parallel_for(y.type.element_count(), kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t step = y.type.dtype == DType::bf16 ? kFloatBlock : end - begin;
    for (std::int64_t first = begin; first < end; first += step) {
      const std::int64_t count = std::min(step, end - first);
      FloatRange out(y, first, count);
      body(first, count, out.data(), FloatRange(in, first, count).read()...);
      out.flush();
    }
  });
}

}  // namespace engine::cpu
