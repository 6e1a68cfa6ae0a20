// Weights of bf16 products are converted in every step. oneDNN 2.6 weaves f32 into pairs of bf16 at
// some 3 ns an element, which would cost as much as the product; the loops here are bound by
// memory.
#include "kernels/onednn/convert.h"

#include <array>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/pack_pairs.h"

namespace engine::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// A layout in pairs along dimension `deep` of two.
struct PairTag {
  Tag tag;
  std::size_t deep;
  int pairs, width;
};

constexpr std::array<PairTag, 11> kPairTags{{{Tag::BA16a64b2a, 0, 16, 64},
                                             {Tag::BA16a48b2a, 0, 16, 48},
                                             {Tag::BA16a32b2a, 0, 16, 32},
                                             {Tag::BA16a16b2a, 0, 16, 16},
                                             {Tag::AB16b64a2b, 1, 16, 64},
                                             {Tag::AB16b48a2b, 1, 16, 48},
                                             {Tag::AB16b32a2b, 1, 16, 32},
                                             {Tag::AB16b16a2b, 1, 16, 16},
                                             {Tag::AB8b64a2b, 1, 8, 64},
                                             {Tag::AB8b32a2b, 1, 8, 32},
                                             {Tag::AB8b16a2b, 1, 8, 16}}};

Conversion make_narrowing(std::int64_t count) {
  return [count](const void* from, void* to) {
    const auto* x = static_cast<const float*>(from);
    auto* y = static_cast<bfloat16*>(to);
    cpu::parallel_for(count, cpu::kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      cpu::narrow(x + begin, y + begin, end - begin);
    });
  };
}

Conversion make_packing(const memory::dims& dims, bool row_major, const PairTag& tag) {
  const std::array<std::int64_t, 2> strides =
      row_major ? std::array{dims[1], memory::dim{1}} : std::array{memory::dim{1}, dims[0]};
  const std::size_t wide = 1 - tag.deep;
  const cpu::PairLayout layout{dims[tag.deep], dims[wide], tag.pairs, tag.width};
  return [layout, deep_stride = strides[tag.deep], wide_stride = strides[wide]](const void* from,
                                                                                void* to) {
    cpu::pack_pairs({static_cast<const float*>(from), deep_stride, wide_stride}, layout,
                    static_cast<bfloat16*>(to));
  };
}

}  // namespace

Conversion make_conversion(const memory::desc& given, const memory::desc& wanted) {
  using Type = memory::data_type;
  const memory::dims dims = given.dims();
  const bool narrows = given.data_type() == Type::f32 && wanted.data_type() == Type::bf16;
  if (!narrows || dims.size() != 2 || wanted.dims() != dims) return {};
  for (Tag plain : {Tag::ab, Tag::ba}) {
    if (given != memory::desc(dims, Type::f32, plain)) continue;
    if (wanted == memory::desc(dims, Type::bf16, plain)) return make_narrowing(dims[0] * dims[1]);
    for (const PairTag& tag : kPairTags)
      if (wanted == memory::desc(dims, Type::bf16, tag.tag))
        return make_packing(dims, plain == Tag::ab, tag);
  }
  return {};
}

}  // namespace engine::onednn
