// A register-tiled matrix product c[m,n] = A[m,k] · B[k,n] of row-major matrices, in the three
// forms a dense layer needs. A block computes one tile of c from tiles of A and B in shared memory,
// double buffered; a thread accumulates groups of 4 x 4 elements in registers. The sum over k runs
// in order within a split, and splits are added in order by a second kernel, so results never vary.
#pragma once

#include "kernels/cuda/dense_tile.cuh"
#include "kernels/cuda/dropout.cuh"

namespace engine::cuda {

/// Which operand is stored transposed: c = a·b, a·bᵀ or aᵀ·b.
enum class Form { nn, nt, tn };

/// What a result goes through before it is stored.
struct Epilogue {
  const float* bias = nullptr;  ///< one a column, or none
  bool relu = false;
  DropoutMask dropout;

  __device__ float activate(float value) const { return relu && value <= 0.0f ? 0.0f : value; }

  /// One element, but for its drop-out.
  __device__ float add_bias(float value, std::int64_t column) const {
    return activate(bias != nullptr ? value + bias[column] : value);
  }
  __device__ float apply(float value, std::int64_t column, std::int64_t element) const {
    return dropout.apply(add_bias(value, column), static_cast<std::uint64_t>(element));
  }
  /// Four neighbours in a row, from a multiple of four on.
  __device__ float4 apply(float4 value, std::int64_t column, std::int64_t element) const {
    if (bias != nullptr) {
      const float4 b = *reinterpret_cast<const float4*>(bias + column);
      value = make_float4(value.x + b.x, value.y + b.y, value.z + b.z, value.w + b.w);
    }
    value = make_float4(activate(value.x), activate(value.y), activate(value.z), activate(value.w));
    return dropout.apply(value, static_cast<std::uint64_t>(element));
  }
};

/// What a product is made of: f32, or bf16 with the weight (b of all forms but tn) kept in f32.
template <bool kBf16, Form kForm>
struct Elements {
  using A = std::conditional_t<kBf16, Plain<bfloat16>, Plain<float>>;
  using B = std::conditional_t<kBf16 && kForm != Form::tn, Rounded, A>;
};

struct Product {
  const void* a;
  const void* b;
  void* c;                       ///< with splits: slice 0 of the partial sums, which are f32
  bool bf16_out;                 ///< c is bf16: of products of bf16 only
  float* column_sums = nullptr;  ///< form tn: sum over k of b[k][column], or none
  int m, n, k;
  int k_per_split;     ///< a multiple of kDepth
  std::int64_t slice;  ///< elements from one split's partial sums to the next
  bool vector_out;     ///< c, its column sums and bias allow 16-byte accesses
  Epilogue epilogue;

  template <Form kForm>
  __device__ auto a_operand(int k_end) const {
    return Matrix<kForm != Form::tn>{a, kForm == Form::tn ? m : k, m, k_end};
  }
  template <Form kForm>
  __device__ auto b_operand(int k_end) const {
    return Matrix<kForm == Form::nt>{b, kForm == Form::nt ? k : n, n, k_end};
  }
};

/// A block's tile. A warp covers kGroupsM x kGroupsN groups of 16 x 32 elements, 4 x 4 of each a
/// thread, with lanes laid out 4 x 8: reads of A are broadcasts, reads of B cover all banks.
template <int kRows, int kColumns, int kRowGroups, int kColumnGroups>
struct Tile {
  static constexpr int kM = kRows, kN = kColumns;
  static constexpr int kGroupsM = kRowGroups, kGroupsN = kColumnGroups;
  static constexpr int kWarpsM = kM / (16 * kGroupsM), kWarpsN = kN / (32 * kGroupsN);
  static constexpr int kThreads = kWarp * kWarpsM * kWarpsN;
  /// Blocks a multiprocessor has to hold, 0 for as many as the compiler finds good: for sm_90 it
  /// would rather spill a register of a small tile than let go of a block.
  static constexpr int kLeastBlocks = kGroupsM * kGroupsN == 1 ? 1 : 0;

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % kWarp; }
  /// Among those of the tile: a block may have several tiles.
  __device__ static int warp() {
    return static_cast<int>(threadIdx.x) / kWarp % (kWarpsM * kWarpsN);
  }
  /// First of the thread's four rows in group `g`, and of its four columns.
  __device__ static int row(int g) {
    return (warp() / kWarpsN * kGroupsM + g) * 16 + lane() / 8 * 4;
  }
  __device__ static int column(int g) {
    return (warp() % kWarpsN * kGroupsN + g) * 32 + lane() % 8 * 4;
  }
};

template <class T>
struct Accumulator {
  float c[4 * T::kGroupsM][4 * T::kGroupsN] = {};
  float column_sums[4 * T::kGroupsN] = {};

  template <bool kSumColumns, int kSteps = kDepth>
  __device__ void multiply(const float (*a_tile)[T::kM + kPadding],
                           const float (*b_tile)[T::kN + kPadding], bool sum_columns) {
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
      float4 a[T::kGroupsM], b[T::kGroupsN];
#pragma unroll
      for (int g = 0; g < T::kGroupsM; ++g)
        a[g] = *reinterpret_cast<const float4*>(&a_tile[k][T::row(g)]);
#pragma unroll
      for (int g = 0; g < T::kGroupsN; ++g)
        b[g] = *reinterpret_cast<const float4*>(&b_tile[k][T::column(g)]);
#pragma unroll
      for (int g = 0; g < T::kGroupsM; ++g) {
        add_row(c[4 * g], a[g].x, b);
        add_row(c[4 * g + 1], a[g].y, b);
        add_row(c[4 * g + 2], a[g].z, b);
        add_row(c[4 * g + 3], a[g].w, b);
      }
      if (kSumColumns && sum_columns) add_row(column_sums, 1.0f, b);
    }
  }

 private:
  __device__ static void add_row(float* row, float a, const float4* b) {
#pragma unroll
    for (int g = 0; g < T::kGroupsN; ++g) {
      row[4 * g] += a * b[g].x;
      row[4 * g + 1] += a * b[g].y;
      row[4 * g + 2] += a * b[g].z;
      row[4 * g + 3] += a * b[g].w;
    }
  }
};

// Drop-out wants quads: without them it is a launch of its own (a Philox call an element would be a
// bigger kernel than the product).
template <bool kEpilogue, class Out>
__device__ void store_group(const Product& p, Out* c, int row, int column, const float* values) {
  const std::int64_t element = static_cast<std::int64_t>(row) * p.n + column;
  if (p.vector_out) {
    if (column >= p.n) return;
    float4 quad = make_float4(values[0], values[1], values[2], values[3]);
    if constexpr (kEpilogue) quad = p.epilogue.apply(quad, column, element);
    store_floats(c + element, quad);
    return;
  }
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    if (column + j >= p.n) return;
    c[element + j] = Out(kEpilogue ? p.epilogue.add_bias(values[j], column + j) : values[j]);
  }
}

template <bool kEpilogue, class T, class Out>
__device__ void store_tile(const Product& p, Out* c, const Accumulator<T>& sums, int first_row,
                           int first_column) {
#pragma unroll
  for (int i = 0; i < 4 * T::kGroupsM; ++i) {
    const int row = first_row + T::row(i / 4) + i % 4;
    if (row >= p.m) continue;
#pragma unroll
    for (int g = 0; g < T::kGroupsN; ++g)
      store_group<kEpilogue>(p, c, row, first_column + T::column(g), &sums.c[i][4 * g]);
  }
}

// Every row of threads holds the same column sums: the first one stores them.
template <class T>
__device__ void store_column_sums(const Product& p, const Accumulator<T>& sums, int first_column) {
  if (T::row(0) != 0) return;
  float* out = p.column_sums + blockIdx.y * p.slice;
#pragma unroll
  for (int g = 0; g < T::kGroupsN; ++g) {
    const int column = first_column + T::column(g);
    const float* v = sums.column_sums + 4 * g;
    if (p.vector_out && column < p.n) {
      *reinterpret_cast<float4*>(out + column) = make_float4(v[0], v[1], v[2], v[3]);
      continue;
    }
#pragma unroll
    for (int j = 0; j < 4; ++j)
      if (column + j < p.n) out[column + j] = v[j];
  }
}

/// The part of a product that a block computes: where its tile of c begins, which part of the sum
/// it takes. Grid: tiles of c along x, row of tiles after row of tiles; splits of k along y.
template <class T>
struct Share {
  int row, column, k_begin, k_end;

  __device__ Share(int n, int k, int k_per_split) {
    const int tiles_n = ceil_div(n, T::kN);
    row = static_cast<int>(blockIdx.x) / tiles_n * T::kM;
    column = static_cast<int>(blockIdx.x) % tiles_n * T::kN;
    k_begin = static_cast<int>(blockIdx.y) * k_per_split;
    k_end = k - k_begin < k_per_split ? k : k_begin + k_per_split;
  }
};

/// sums += the block's share of a product of any two operands; kVectorA, kVectorB: which may be
/// loaded four elements at a time.
template <class T, class ElementA, class ElementB, bool kVectorA, bool kVectorB, bool kSumColumns,
          class OperandA, class OperandB>
__device__ void multiply_share(const OperandA& a, const OperandB& b, const Share<T>& share,
                               bool sum_columns, Accumulator<T>& sums) {
  // Declared as float4 for its alignment.
  ENGINE_SHARED(float4, a_shared, [2][kDepth][(T::kM + kPadding) / 4]);
  ENGINE_SHARED(float4, b_shared, [2][kDepth][(T::kN + kPadding) / 4]);
  using LoaderA = TileLoader<ElementA, OperandA, T::kM, T::kThreads, kVectorA>;
  using LoaderB = TileLoader<ElementB, OperandB, T::kN, T::kThreads, kVectorB>;
  auto* a_tile = reinterpret_cast<typename LoaderA::Row*>(a_shared);
  auto* b_tile = reinterpret_cast<typename LoaderB::Row*>(b_shared);

  LoaderA next_a(a, share.row);
  LoaderB next_b(b, share.column);
  next_a.load(a, share.k_begin);
  next_b.load(b, share.k_begin);
  int buffer = 0;
  for (int k = share.k_begin; k < share.k_end; k += kDepth, buffer ^= 1) {
    // Nobody reads this buffer any more: its readers have passed the previous barrier.
    next_a.store(a_tile + buffer * kDepth);
    next_b.store(b_tile + buffer * kDepth);
    __syncthreads();
    next_a.load(a, k + kDepth);  // all zeros past the end
    next_b.load(b, k + kDepth);
    sums.template multiply<kSumColumns>(a_tile + buffer * kDepth, b_tile + buffer * kDepth,
                                        sum_columns);
  }
}

/// The block's share of a product, and its store. kVector: both operands may be loaded four
/// elements at a time. kEpilogue: there may be one.
template <class T, bool kBf16, Form kForm, bool kVector, bool kEpilogue>
__device__ void compute_share(const Product& p) {
  using Types = Elements<kBf16, kForm>;
  const Share<T> share(p.n, p.k, p.k_per_split);
  const bool sum_columns = kForm == Form::tn && share.row == 0 && p.column_sums != nullptr;
  Accumulator<T> sums;
  multiply_share<T, typename Types::A, typename Types::B, kVector, kVector, kForm == Form::tn>(
      p.a_operand<kForm>(share.k_end), p.b_operand<kForm>(share.k_end), share, sum_columns, sums);
  if (kBf16 && p.bf16_out)
    store_tile<kEpilogue>(p, static_cast<bfloat16*>(p.c), sums, share.row, share.column);
  else
    store_tile<kEpilogue>(p, static_cast<float*>(p.c) + blockIdx.y * p.slice, sums, share.row,
                          share.column);
  if (sum_columns) store_column_sums(p, sums, share.column);
}

/// Grid: see Share.
template <class T, bool kBf16, Form kForm, bool kVector>
__global__ void __launch_bounds__(T::kThreads, T::kLeastBlocks) product_kernel(const Product p) {
  compute_share<T, kBf16, kForm, kVector, kForm == Form::nn>(p);
}

}  // namespace engine::cuda
