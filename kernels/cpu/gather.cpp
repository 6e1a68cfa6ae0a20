// Gather of rows: bytes or floats to normalized floats, or integer labels.
#include "kernels/gather.h"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/transpose.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void normalize(const std::uint8_t* row, float* out, std::int64_t length, float scale,
               float offset) {
  for (std::int64_t i = 0; i < length; ++i) out[i] = static_cast<float>(row[i]) * scale + offset;
}

ENGINE_SIMD_CLONES
void normalize(const float* row, float* out, std::int64_t length, float scale, float offset) {
  for (std::int64_t i = 0; i < length; ++i) out[i] = row[i] * scale + offset;
}

template <class T>
void normalize(const T* row, bfloat16* out, std::int64_t length, float scale, float offset) {
  alignas(64) float block[kFloatBlock];
  for (std::int64_t i = 0; i < length; i += kFloatBlock) {
    const std::int64_t count = std::min(kFloatBlock, length - i);
    normalize(row + i, block, count, scale, offset);
    narrow(block, out + i, count);
  }
}

struct Rows {
  std::int64_t available, length;
  std::int64_t channels = 1;  ///< that the result or the normalization tells apart
  bool transposes = false;    ///< into a channels-last result
  std::int64_t positions() const { return length / channels; }
  std::int64_t grain() const {
    return std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, length));
  }
  bool inside(std::int32_t index) const { return index >= 0 && index < available; }
};

template <class T, class Out>
void normalize(const T* row, Out* out, const Rows& rows, const Normalization& normalization) {
  const std::int64_t positions = rows.positions();
  if (rows.transposes)
    return transpose(row, out, rows.channels, positions, [&](T element, std::int64_t channel) {
      return Out(normalization(static_cast<float>(element), channel));
    });
  for (std::int64_t c = 0; c < rows.channels; ++c)
    normalize(row + c * positions, out + c * positions, positions, normalization.scale[c],
              normalization.offset[c]);
}

// What a row of zeros becomes.
template <class Out>
void normalize_nothing(Out* out, const Rows& rows, const Normalization& normalization) {
  for (std::int64_t i = 0; i < rows.length; ++i)
    out[i] = Out(normalization(0, rows.transposes ? i % rows.channels : i / rows.positions()));
}

template <class T, class Out>
void gather_reals(const LaunchArguments& arguments, const Rows& rows,
                  const Normalization& normalization) {
  const T* data = arguments.inputs[0].as<T>();
  const std::int32_t* indices = arguments.inputs[1].as<std::int32_t>();
  Out* out = arguments.outputs[0].as<Out>();
  const std::int64_t batch = arguments.inputs[1].type.element_count();
  parallel_for(batch, rows.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      Out* target = out + row * rows.length;
      if (rows.inside(indices[row]))
        normalize(data + indices[row] * rows.length, target, rows, normalization);
      else
        normalize_nothing(target, rows, normalization);
    }
  });
}

template <class T>
void gather_integers(const LaunchArguments& arguments, const Rows& rows) {
  const T* data = arguments.inputs[0].as<T>();
  const std::int32_t* indices = arguments.inputs[1].as<std::int32_t>();
  std::int32_t* out = arguments.outputs[0].as<std::int32_t>();
  const std::int64_t batch = arguments.inputs[1].type.element_count();
  parallel_for(batch, rows.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      std::int32_t* target = out + row * rows.length;
      if (rows.inside(indices[row]))
        std::copy_n(data + indices[row] * rows.length, rows.length, target);
      else
        std::fill_n(target, rows.length, 0);
    }
  });
}

std::string refuse(const Problem& problem) {
  const DType from = problem.inputs[0].dtype, to = problem.outputs[0].dtype;
  const bool reals =
      (from == DType::u8 || from == DType::f32) && (to == DType::f32 || to == DType::bf16);
  const bool integers = (from == DType::u8 || from == DType::i32) && to == DType::i32;
  if (reals || integers) return "";
  return "gathers u8 or f32 to f32 or bf16, and u8 or i32 to i32, only";
}

template <class Out>
SimpleCandidate::Launch prepare_reals(const Problem& problem, Rows rows, bool bytes) {
  const Normalization normalization(GatherAttributes::from(problem.attributes));
  rows.transposes = problem.outputs[0].layout == Layout::channels_last;
  if (rows.transposes || normalization.count > 1) rows.channels = problem.inputs[0].shape[1];
  return [rows, bytes, normalization](const LaunchArguments& arguments) {
    bytes ? gather_reals<std::uint8_t, Out>(arguments, rows, normalization)
          : gather_reals<float, Out>(arguments, rows, normalization);
  };
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const TensorType& data = problem.inputs[0];
  const Rows rows{data.shape[0], data.shape.elements_after(0)};
  const bool bytes = data.dtype == DType::u8;
  if (problem.outputs[0].dtype == DType::f32) return prepare_reals<float>(problem, rows, bytes);
  if (problem.outputs[0].dtype == DType::bf16) return prepare_reals<bfloat16>(problem, rows, bytes);
  return [rows, bytes](const LaunchArguments& arguments) {
    bytes ? gather_integers<std::uint8_t>(arguments, rows)
          : gather_integers<std::int32_t>(arguments, rows);
  };
}

}  // namespace
}  // namespace cpu

void register_gather_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "gather",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare,
                               .refuse = cpu::refuse});
}

}  // namespace engine
