// Shifted and mirrored images, a row at a time: what stays inside is one copy, or one in reverse,
// and the edges on either side are fills.
#include "kernels/augment.h"

#include <algorithm>

#include "engine/core/bfloat16.h"
#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

/// out[j] = row[clamp(j + right)], mirrored or not. Iterators: a mirrored row is written backwards.
template <class T, class Out>
void shift_row(const T* row, Out out, std::int32_t width, std::int32_t right) {
  const std::int32_t inside = std::max(0, width - std::abs(right));
  const std::int32_t left_edge = std::clamp(-right, 0, width);
  const std::int32_t right_edge = width - inside - left_edge;
  out = std::fill_n(out, left_edge, row[0]);
  out = std::copy_n(row + std::max(right, 0), inside, out);
  std::fill_n(out, right_edge, row[width - 1]);
}

template <class T>
void augment_image(const T* x, T* y, std::int64_t channels, const Augmentation& a,
                   const AugmentDraw& draw) {
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int32_t i = 0; i < a.height; ++i) {
      const T* row =
          x + (c * a.height + nearest_inside(i + draw.down, a.height)) * std::int64_t{a.width};
      T* out = y + (c * a.height + i) * std::int64_t{a.width};
      if (draw.mirrored)
        shift_row(row, std::make_reverse_iterator(out + a.width), a.width, draw.right);
      else
        shift_row(row, out, a.width, draw.right);
    }
}

template <class T>
void augment(const LaunchArguments& arguments, const Augmentation& a) {
  const T* x = arguments.inputs[0].as<T>();
  T* y = arguments.outputs[0].as<T>();
  const auto step = static_cast<std::uint64_t>(*arguments.inputs[1].as<std::int64_t>());
  const Shape& shape = arguments.inputs[0].type.shape;
  const std::int64_t size = shape.elements_after(0);
  if (size == 0) return;
  parallel_for(shape[0], std::max<std::int64_t>(1, kElementGrain / size),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t b = begin; b < end; ++b)
                   augment_image(x + b * size, y + b * size, shape[1], a,
                                 draw_augmentation(a, step, static_cast<std::uint64_t>(b)));
               });
}

SimpleCandidate::Launch prepare(const Problem& problem) {
  const Augmentation a(AugmentAttributes::from(problem.attributes), problem.inputs[0].shape);
  const DType dtype = problem.inputs[0].dtype;
  return [a, dtype](const LaunchArguments& arguments) {
    if (dtype == DType::u8)
      augment<std::uint8_t>(arguments, a);
    else if (dtype == DType::bf16)
      augment<bfloat16>(arguments, a);
    else
      augment<float>(arguments, a);
  };
}

}  // namespace
}  // namespace cpu

void register_augment_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{
      .op = "augment", .backend = "cpu", .id = "cpu.rows", .prepare = cpu::prepare});
}

}  // namespace engine
