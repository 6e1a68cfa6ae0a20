#include "kernels/cpu/convert.h"

#include <algorithm>
#include <cstring>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/transpose.h"
#include "kernels/padded_channels.h"

namespace engine::cpu {
namespace {

// Between row-major images [N, C, P] and channels-last ones [N, P, C].
template <class From, class To>
void change_layout(const TensorView& from, const TensorView& to) {
  const Shape& shape = from.type.shape;
  const std::int64_t channels = shape[1],
                     image = from.type.element_count() / std::max<std::int64_t>(1, shape[0]);
  if (image == 0) return;
  const std::int64_t positions = image / channels;
  const bool from_rows = from.type.layout == Layout::row_major;
  parallel_for(shape[0], kElementGrain / image + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      transpose(from.as<From>() + n * image, to.as<To>() + n * image,
                from_rows ? channels : positions, from_rows ? positions : channels,
                [](From value, std::int64_t) { return To(value); });
  });
}

// Types of one layout and dtype.
void change_extents(const TensorView& from, const TensorView& to) {
  const ChannelLines given = ChannelLines::of(from.type), wanted = ChannelLines::of(to.type);
  const std::size_t size = dtype_size(from.type.dtype);
  const std::size_t read = static_cast<std::size_t>(given.length) * size;
  const std::size_t written = static_cast<std::size_t>(wanted.length) * size;
  const std::size_t kept = std::min(read, written);
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(1, wanted.length) + 1;
  parallel_for(wanted.count, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      auto* target = static_cast<std::byte*>(to.data) + static_cast<std::size_t>(line) * written;
      const auto* source =
          static_cast<const std::byte*>(from.data) + static_cast<std::size_t>(line) * read;
      const std::size_t copied = line < given.count ? kept : 0;
      if (copied > 0) std::memcpy(target, source, copied);
      std::memset(target + copied, 0, written - copied);
    }
  });
}

}  // namespace

Problem widened(Problem problem) {
  for (auto* types : {&problem.inputs, &problem.outputs})
    for (TensorType& type : *types)
      if (type.dtype == DType::bf16) type.dtype = DType::f32;
  return problem;
}

void convert(Stream&, const TensorView& from, const TensorView& to, bool rounds) {
  if (from.type.shape != to.type.shape) return change_extents(from, to);
  const bool from_narrow = from.type.dtype == DType::bf16, to_narrow = to.type.dtype == DType::bf16;
  if (from.type.layout != to.type.layout) {
    if (from_narrow)
      change_layout<bfloat16, float>(from, to);
    else if (to_narrow)
      change_layout<float, bfloat16>(from, to);
    else
      change_layout<float, float>(from, to);
    return;
  }
  parallel_for(from.type.element_count(), kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    if (from_narrow)
      widen(from.as<bfloat16>() + begin, to.as<float>() + begin, end - begin);
    else if (to_narrow)
      narrow(from.as<float>() + begin, to.as<bfloat16>() + begin, end - begin);
    else if (rounds)
      round_to_bfloat16(from.as<float>() + begin, to.as<float>() + begin, end - begin);
  });
}

}  // namespace engine::cpu
