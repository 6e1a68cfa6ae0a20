// Element-wise functions of two operands on the CPU: one vectorized tile a row of the table.
#include "kernels/binary.h"

#include <string>

#include "engine/tune/registry.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/strided.h"

namespace engine {
namespace cpu {
namespace {

// A tile of y, a, b; y is dense.
struct Operands {
  const float *a, *b;
  float* y;
  std::int64_t rows, columns;
  StridedLoop::Strides row_stride, column_stride;
};
using TileLoop = void (*)(const Operands&);

template <class F>
ENGINE_SIMD_INLINE void tile_loop(const Operands& tile) {
  const std::int64_t a_step = tile.column_stride[1], b_step = tile.column_stride[2];
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    float* y = tile.y + row * tile.row_stride[0];
    const float* a = tile.a + row * tile.row_stride[1];
    const float* b = tile.b + row * tile.row_stride[2];
    if (a_step == 1 && b_step == 1) {
      ENGINE_SIMD_LOOP
      for (std::int64_t i = 0; i < tile.columns; ++i) y[i] = F::value(a[i], b[i]);
    } else if (a_step == 1 && b_step == 0) {
      const float scalar = *b;
      ENGINE_SIMD_LOOP
      for (std::int64_t i = 0; i < tile.columns; ++i) y[i] = F::value(a[i], scalar);
    } else if (a_step == 0 && b_step == 1) {
      const float scalar = *a;
      ENGINE_SIMD_LOOP
      for (std::int64_t i = 0; i < tile.columns; ++i) y[i] = F::value(scalar, b[i]);
    } else {
      for (std::int64_t i = 0; i < tile.columns; ++i) y[i] = F::value(a[i * a_step], b[i * b_step]);
    }
  }
}

#define ENGINE_ROW(name, ...)                                 \
  ENGINE_SIMD_CLONES void name##_tile(const Operands& tile) { \
    tile_loop<binary::name>(tile);                            \
  }
ENGINE_BINARY_TABLE(ENGINE_ROW)
#undef ENGINE_ROW

// Operands of one shape.
void run_alike(const LaunchArguments& arguments, TileLoop loop) {
  for_each_float_range(
      [&](std::int64_t, std::int64_t count, float* y, const float* a, const float* b) {
        loop({a, b, y, 1, count, {}, {1, 1, 1}});
      },
      arguments.outputs[0], arguments.inputs[0], arguments.inputs[1]);
}

SimpleCandidate::Launch prepare(const Problem& problem, TileLoop loop) {
  if (problem.inputs[0] == problem.inputs[1])
    return [loop](const LaunchArguments& arguments) { run_alike(arguments, loop); };
  return [loop, walk = binary_loop(problem)](const LaunchArguments& arguments) {
    const float* a = arguments.inputs[0].as<float>();
    const float* b = arguments.inputs[1].as<float>();
    float* y = arguments.outputs[0].as<float>();
    for_each_tile(walk, [&](const Tile& tile) {
      loop({a + tile.offset[1], b + tile.offset[2], y + tile.offset[0], tile.rows, tile.columns,
            walk.stride(1), walk.stride(0)});
    });
  };
}

}  // namespace
}  // namespace cpu

void register_binary_cpu(CandidateRegistry& registry) {
  const auto add = [&](std::string_view name, cpu::TileLoop loop) {
    registry.add(SimpleCandidate{
        .op = std::string(name),
        .backend = "cpu",
        .id = "cpu.simd",
        .prepare = [loop](const Problem& problem) { return cpu::prepare(problem, loop); }});
  };
#define ENGINE_ROW(name_, ...) add(binary::name_::name, cpu::name_##_tile);
  ENGINE_BINARY_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
}

}  // namespace engine
