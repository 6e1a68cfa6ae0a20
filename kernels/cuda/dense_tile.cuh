// Moving a tile of a matrix from global to shared memory, through registers, so that the load of
// the next tile overlaps the products of the present one. A tile is float in shared memory,
// whatever the matrix is.
//
// In shared memory a tile is [depth][across], depth being the dimension that is summed over, with
// rows padded by four floats: aligned for 16-byte reads, and shifted by four banks from row to row.
// Global memory holds the tile the same way round, or transposed ("along depth"). The assignment of
// threads to elements makes each warp-wide load touch whole 32-byte sectors only, and each store
// all banks once:
//
//   across, vector or not   neighbours along a row, in both memories
//   along depth, vector     16 rows x 8 depths a warp, two lanes to a sector; the transposing
//                           stores of a pair's lanes are 4 * (extent + 4), that is 16, banks apart
//   along depth, scalar     2 rows x 16 depths a warp. Depths k and k + 8 share a bank, so lanes of
//                           the upper half store their items in swapped order, two rows apart
#pragma once

#include <type_traits>

#include "kernels/cuda/quad.cuh"

namespace engine::cuda {

inline constexpr int kDepth = 16;
inline constexpr int kPadding = 4;

/// What the elements of a matrix are stored as, and which numbers they stand for.
template <class T>
struct Plain {
  using Stored = T;
  __device__ static float number(float x) { return x; }
};
/// f32, rounded to bf16 on the way.
struct Rounded {
  using Stored = float;
  __device__ static float number(float x) { return bfloat16(x); }
};

/// A row-major operand; what lies outside its bounds is zero. An operand of any other kind says the
/// same: how it is stored, what it wants to know of a place across and of a depth (worked out once
/// for many elements), whether two of those meet in an element, and where that is.
template <bool kStoredAlongDepth>
struct Matrix {
  static constexpr bool kAlongDepth = kStoredAlongDepth;
  using Across = int;
  using Depth = int;
  const void* data;
  std::int64_t stride;  ///< elements from row to row
  int extent;           ///< across: rows or columns of the result
  int depth_end;        ///< where the sum ends

  __device__ int across(int index) const { return index; }
  __device__ int depth(int index) const { return index; }
  __device__ bool contains(int across, int depth) const {
    return across < extent && depth < depth_end;
  }
  __device__ std::int64_t offset(int across, int depth) const {
    return kAlongDepth ? across * stride + depth : depth * stride + across;
  }
};

template <class Element, class Operand, int kExtent, int kThreads, bool kVector>
class TileLoader {
 public:
  static constexpr bool kAlongDepth = Operand::kAlongDepth;
  using Row = float[kExtent + kPadding];

  /// Of tiles that begin at `first` across.
  __device__ TileLoader(const Operand& operand, int first) : first_(first) {
#pragma unroll
    for (int item = 0; item < kAcrosses; ++item)
      across_[item] = operand.across(first + position(item).across);
  }

  /// Loads the tile that begins at `depth` into registers.
  __device__ void load(const Operand& operand, int depth) {
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
      const auto across =
          kRemembers ? across_[item % kAcrosses] : operand.across(first_ + position(item).across);
      const auto at = operand.depth(depth + position(kOneDepth ? 0 : item).depth);
      if (!operand.contains(across, at)) {
        items_[item] = Item{};
        continue;
      }
      items_[item] = *reinterpret_cast<const Item*>(
          static_cast<const typename Element::Stored*>(operand.data) + operand.offset(across, at));
    }
  }

  /// Stores the registers into shared memory.
  __device__ void store(Row* tile) const {
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
      if constexpr (!kAlongDepth) {
        const Position at = position(item);
        if constexpr (kVector)
          store_floats(&tile[at.depth][at.across], values(item));
        else
          tile[at.depth][at.across] = Element::number(static_cast<float>(items_[item]));
      } else if constexpr (kVector) {
        const Position at = position(item);
        const float4 v = values(item);
        tile[at.depth][at.across] = v.x;
        tile[at.depth + 1][at.across] = v.y;
        tile[at.depth + 2][at.across] = v.z;
        tile[at.depth + 3][at.across] = v.w;
      } else {
        const bool upper = threadIdx.x % kDepth >= kDepth / 2;
        const Position at = position(upper ? item ^ 1 : item);
        const float here = static_cast<float>(items_[item]);
        const float there = static_cast<float>(items_[item ^ 1]);
        tile[at.depth][at.across] = Element::number(upper ? there : here);
      }
    }
  }

 private:
  using Stored = typename Element::Stored;
  using Item = std::conditional_t<kVector, Quad<Stored>, Stored>;
  static constexpr int kWidth = kVector ? 4 : 1;
  static constexpr int kItems = kExtent * kDepth / (kThreads * kWidth);
  static_assert(kItems * kThreads * kWidth == kExtent * kDepth);
  static_assert(kVector || !kAlongDepth || kItems % 2 == 0, "items are stored in swapped pairs");
  // A thread's items lie at one place across, or at one depth.
  static constexpr bool kOneDepth = kAlongDepth && !kVector;
  static constexpr int kAcrosses = kOneDepth ? kItems : 1;
  // Whether a place across is more than its index, and worth the registers to remember it.
  static constexpr bool kRemembers = !std::is_same_v<typename Operand::Across, int>;
  static_assert(kOneDepth || kThreads * kWidth % kExtent == 0);
  static_assert(!kAlongDepth || !kVector || kThreads / 2 % kExtent == 0);

  __device__ float4 values(int item) const {
    const float4 v = to_floats(items_[item]);
    return make_float4(Element::number(v.x), Element::number(v.y), Element::number(v.z),
                       Element::number(v.w));
  }

  struct Position {
    int across, depth;
  };

  __device__ static Position position(int item) {
    const int thread = static_cast<int>(threadIdx.x);
    const int index = item * kThreads + thread;
    if constexpr (!kAlongDepth)
      return {index * kWidth % kExtent, index * kWidth / kExtent};
    else if constexpr (kVector)
      return {index / 2 % kExtent, index % 2 * 4 + index / (2 * kExtent) * 8};
    else
      return {(thread / kWarp * kItems + item) * 2 + thread % kWarp / kDepth, thread % kDepth};
  }

  int first_;
  typename Operand::Across across_[kAcrosses];
  Item items_[kItems];
};

}  // namespace engine::cuda
