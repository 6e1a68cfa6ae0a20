// Gather of rows: bytes to normalized floats, or integer labels.
#include "kernels/gather.h"

#include <algorithm>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

ENGINE_SIMD_CLONES
void normalize(const std::uint8_t* row, float* out, std::int64_t length, float scale,
               float offset) {
  for (std::int64_t i = 0; i < length; ++i) out[i] = static_cast<float>(row[i]) * scale + offset;
}

struct Rows {
  std::int64_t available, length;
  std::int64_t grain() const {
    return std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, length));
  }
  bool inside(std::int32_t index) const { return index >= 0 && index < available; }
};

void gather_bytes(const LaunchArguments& arguments, const Rows& rows, float scale, float offset) {
  const std::uint8_t* data = arguments.inputs[0].as<std::uint8_t>();
  const std::int32_t* indices = arguments.inputs[1].as<std::int32_t>();
  float* out = arguments.outputs[0].as<float>();
  const std::int64_t batch = arguments.inputs[1].type.element_count();
  parallel_for(batch, rows.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* target = out + row * rows.length;
      if (rows.inside(indices[row]))
        normalize(data + indices[row] * rows.length, target, rows.length, scale, offset);
      else
        std::fill_n(target, rows.length, offset);
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
  const bool bytes = from == DType::u8 && to == DType::f32;
  const bool integers = (from == DType::u8 || from == DType::i32) && to == DType::i32;
  if (bytes || integers) return "";
  return "gathers u8 to f32, and u8 or i32 to i32, only";
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const TensorType& data = problem.inputs[0];
  const Rows rows{data.shape[0], data.shape.elements_after(0)};
  if (problem.outputs[0].dtype == DType::f32) {
    const auto attributes = GatherAttributes::from(problem.attributes);
    return [rows, scale = static_cast<float>(attributes.scale),
            offset = static_cast<float>(attributes.offset)](const LaunchArguments& arguments) {
      gather_bytes(arguments, rows, scale, offset);
    };
  }
  const bool bytes = data.dtype == DType::u8;
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
