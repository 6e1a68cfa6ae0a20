// Packing goes block by block. Where columns are neighbours in memory, a pair of rows is woven
// together; where rows are, the pairs are there already and a block is transposed in the cache, two
// elements at a time.
#include "kernels/cpu/pack_pairs.h"

#include <algorithm>
#include <cstring>

#include "engine/device/cpu/parallel.h"
#include "kernels/cpu/bfloat16.h"
#include "kernels/cpu/simd.h"

namespace engine::cpu {
namespace {

constexpr int kMostPairs = 16, kMostWidth = 64;
using Pair [[gnu::may_alias]] = std::uint32_t;  ///< two elements, the first one in the low half

ENGINE_SIMD_CLONES
void weave(const float* first, const float* second, Pair* pairs, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i)
    pairs[i] = bfloat16(first[i]).bits | std::uint32_t{bfloat16(second[i]).bits} << 16;
}

// A part of the matrix no larger than a block.
struct Block {
  const float* source;
  std::int64_t stride;  ///< between lines of neighbours
  std::int64_t depth, columns;
};

void pack_rows(const Block& block, const PairLayout& layout, Pair* packed) {
  static constexpr float zeros[kMostWidth] = {};
  for (std::int64_t k = 0; k < block.depth; k += 2) {
    const float* first = block.source + k * block.stride;
    weave(first, k + 1 < block.depth ? first + block.stride : zeros, packed + k / 2 * layout.width,
          block.columns);
  }
}

void pack_columns(const Block& block, const PairLayout& layout, Pair* packed) {
  alignas(64) Pair line[kMostPairs + 1];
  for (std::int64_t n = 0; n < block.columns; ++n) {
    line[block.depth / 2] = 0;  // the other half of an odd end
    narrow(block.source + n * block.stride, reinterpret_cast<bfloat16*>(line), block.depth);
    for (std::int64_t p = 0; p < (block.depth + 1) / 2; ++p) packed[p * layout.width + n] = line[p];
  }
}

}  // namespace

void pack_pairs(const MatrixView& source, const PairLayout& layout, bfloat16* packed) {
  const std::int64_t deep = layout.deep_blocks(), size = layout.block_size();
  const bool rows_are_lines = source.column_stride == 1;
  const std::int64_t grain = std::max<std::int64_t>(1, kElementGrain / size);
  parallel_for(deep * layout.wide_blocks(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t index = begin; index < end; ++index) {
      const std::int64_t k = index % deep * 2 * layout.pairs, n = index / deep * layout.width;
      const Block block{source.data + k * source.row_stride + n * source.column_stride,
                        rows_are_lines ? source.row_stride : source.column_stride,
                        std::min<std::int64_t>(2 * layout.pairs, layout.depth - k),
                        std::min<std::int64_t>(layout.width, layout.columns - n)};
      auto* target = reinterpret_cast<Pair*>(packed + index * size);
      if (block.depth * block.columns < size)
        std::memset(target, 0, static_cast<std::size_t>(size) * sizeof(bfloat16));
      rows_are_lines ? pack_rows(block, layout, target) : pack_columns(block, layout, target);
    }
  });
}

}  // namespace engine::cpu
