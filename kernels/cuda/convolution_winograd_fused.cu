// cuda.winograd_fused: Winograd's F(2 x 2) with the transforms inside the product, so that only the
// filters are transformed beforehand, and no transformed image is written to global memory.
//
// A block computes 32 tiles of 32 channels. For every 8 channels that it reads, each thread
// transforms one tile of one channel into shared memory; then each of 8 warps multiplies at two of
// the 16 points, 32 x 32 results that stay in registers. In the end the results of half the tiles
// at a time (row-major: of half the channels) meet in shared memory, where all points of one are
// read by one thread. Channels run across a warp where they are neighbours in memory, tiles where
// not: then a row of tiles is read at every other element, in twice the sectors, half of them in
// the first-level cache by then.
#include "kernels/cuda/convolution_parts.h"
#include "kernels/cuda/convolution_winograd_shape.cuh"
#include "kernels/cuda/dense_product.cuh"

namespace engine::cuda {
namespace {

using F = Winograd<2>;
constexpr int kPoints = F::kPoints * F::kPoints;
constexpr int kThreads = 256;
constexpr int kSide = 32;  ///< tiles, and channels, of a block
constexpr int kSteps = 8;  ///< channels read at a time
constexpr int kPitch = kSide + kPadding;
constexpr int kHalf = kSide / 2;
using PointTile = Tile<kSide, kSide, 2, 1>;  ///< of one warp
static_assert(PointTile::kThreads == kWarp && kThreads / kWarp * 2 == kPoints);

using Operand = float[kPoints][kSteps][kPitch];
using Results = float[kPoints][kHalf][kPitch];
static_assert(sizeof(Results) <= 2 * sizeof(Operand));

struct Fused {
  TiledImages read, made;
  const float* filters;  ///< [point][channel read][columns]
  int depth, columns;    ///< channels read; channels made, padded to quads
  ImageEpilogue epilogue;
};

/// What a thread brings to shared memory: a tile of a channel, and four quads of filters.
template <class T, bool kLast>
class FusedLoader {
 public:
  __device__ FusedLoader(const Fused& p, int first_tile, int first_column)
      : first_column_(first_column) {
    const int thread = static_cast<int>(threadIdx.x);
    tile_ = kLast ? thread / kSteps : thread % kSide;
    step_ = kLast ? thread % kSteps : thread / kSide;
    place_ = p.read.place<F::kTile>(kLast ? PointMatrix::Index{first_tile + tile_, step_}
                                          : PointMatrix::Index{step_, first_tile + tile_});
    tile_exists_ = first_tile + tile_ < p.read.tiles;
  }

  /// Of the channels from `depth` on.
  __device__ void load(const Fused& p, const T* x, int depth) {
    TiledImages::Place place = place_;
    place.offset += depth * p.read.channel_stride;
    place.exists = tile_exists_ && depth + step_ < p.depth;
    p.read.load(x, place, image_);
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      const Position at = position(i);
      const int row = depth + at.step, column = first_column_ + at.column;
      filters_[i] =
          row < p.depth && column < p.columns
              ? load_quad(p.filters +
                          (static_cast<std::int64_t>(at.point) * p.depth + row) * p.columns +
                          column)
              : make_float4(0, 0, 0, 0);
    }
  }

  __device__ void store(Operand& images, Operand& filters) const {
    float points[F::kPoints][F::kPoints];
    transform_square<F::Data>(image_, points);
#pragma unroll
    for (int i = 0; i < kPoints; ++i)
      images[i][step_][tile_] = points[i / F::kPoints][i % F::kPoints];
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      const Position at = position(i);
      store_floats(&filters[at.point][at.step][at.column], filters_[i]);
    }
  }

 private:
  static constexpr int kQuads = kPoints * kSteps * kSide / 4 / kThreads;
  struct Position {
    int point, step, column;
  };
  __device__ static Position position(int i) {
    const int index = static_cast<int>(threadIdx.x) + i * kThreads;
    return {index / (kSteps * kSide / 4), index / (kSide / 4) % kSteps, index % (kSide / 4) * 4};
  }

  int first_column_, tile_, step_;
  bool tile_exists_;
  TiledImages::Place place_;
  float image_[F::kPoints][F::kPoints];
  float4 filters_[kQuads];
};

/// Half of the rows of a warp's results at its two points.
__device__ void store_half(const Accumulator<PointTile> (&sums)[2], int half, Results& results) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
#pragma unroll
  for (int s = 0; s < 2; ++s)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float* c = half == 0 ? sums[s].c[i] : sums[s].c[4 + i];
      store_floats(&results[2 * warp + s][PointTile::row(0) + i][PointTile::column(0)],
                   make_float4(c[0], c[1], c[2], c[3]));
    }
}

template <bool kLast, class Out>
__device__ void finish_half(const Fused& p, const Results& results, int first_row, int first_column,
                            Out* y) {
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < kHalf * kSide; i += kThreads) {
    const int row = i / kSide, column = i % kSide;
    const auto place =
        p.made.place<F::kTile>(PointMatrix::Index{first_row + row, first_column + column});
    if (!place.exists) continue;
    float points[F::kPoints][F::kPoints], tile[F::kTile][F::kTile];
#pragma unroll
    for (int at = 0; at < kPoints; ++at)
      points[at / F::kPoints][at % F::kPoints] = results[at][row][column];
    transform_square<F::Result>(points, tile);
    store_tile(p.made, place, tile, p.epilogue, y);
  }
}

/// Grid: chunks of tiles along x, of channels along y. Rows of the product are tiles and columns
/// are channels with channels last (kLast), else the other way round.
template <class T, class Out, bool kLast>
__global__ void __launch_bounds__(kThreads) fused_kernel(const Fused p, const T* x, Out* y) {
  // Declared as float4 for their alignment.
  ENGINE_SHARED(float4, shared, [2 * sizeof(Operand) / sizeof(float4)]);
  Operand& images = *reinterpret_cast<Operand*>(shared);
  Operand& filters = *(reinterpret_cast<Operand*>(shared) + 1);
  Results& results = *reinterpret_cast<Results*>(shared);
  const int first_tile = static_cast<int>(blockIdx.x) * kSide;
  const int first_channel = static_cast<int>(blockIdx.y) * kSide;
  const int point = static_cast<int>(threadIdx.x) / kWarp * 2;

  FusedLoader<T, kLast> next(p, first_tile, first_channel);
  Accumulator<PointTile> sums[2];
  next.load(p, x, 0);
  for (int depth = 0; depth < p.depth; depth += kSteps) {
    next.store(images, filters);
    __syncthreads();
    next.load(p, x, depth + kSteps);  // all zeros past the end
#pragma unroll
    for (int s = 0; s < 2; ++s) {
      const Operand &a = kLast ? images : filters, &b = kLast ? filters : images;
      sums[s].template multiply<false, kSteps>(a[point + s], b[point + s], false);
    }
    __syncthreads();  // before the operands, or the results in their place, are written
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    store_half(sums, half, results);
    __syncthreads();
    finish_half<kLast>(p, results, (kLast ? first_tile : first_channel) + half * kHalf,
                       kLast ? first_channel : first_tile, y);
    if (half == 0) __syncthreads();
  }
}

class FusedKernel final : public Kernel {
 public:
  explicit FusedKernel(const Problem& problem) : op_(problem.op), s_(problem, F::kTile) {
    if (s_.forward) epilogue_ = DenseAttributes::from(problem.attributes);
  }

  void launch(const LaunchArguments& launch) override {
    auto* filters = static_cast<float*>(launch.workspace);
    run_points(op_.c_str(), transform_filter_kernel<F>,
               point_matrix(filters, s_.read, quads(s_.made)), launch.stream, s_.filters(),
               launch.inputs[1].as<float>(), !s_.forward, s_.bf16,
               point_matrix(filters, s_.read, quads(s_.made)));
    Fused p{};
    p.read = s_.images_read();
    p.made = s_.images_made();
    p.filters = filters;
    p.depth = static_cast<int>(s_.read);
    p.columns = static_cast<int>(quads(s_.made));
    if (s_.forward) p.epilogue = ImageEpilogue::of(epilogue_, launch);
    const dim3 grid(static_cast<unsigned>(ceil_div<std::int64_t>(s_.tiles, kSide)),
                    static_cast<unsigned>(ceil_div<std::int64_t>(s_.made, kSide)));
    const TensorView &x = launch.inputs[0], &y = launch.outputs[0];
    for_type(x, [&]<class T>(T) {
      for_type(y, [&]<class Out>(Out) {
        run(op_.c_str(),
            s_.channels_inner ? fused_kernel<T, Out, true> : fused_kernel<T, Out, false>, grid,
            kThreads, native_stream(launch.stream), p, x.as<T>(), y.as<Out>());
      });
    });
  }

 private:
  std::string op_;
  WinogradShape s_;
  DenseAttributes epilogue_;
};

class FusedCandidate final : public ConvolutionCandidate {
 public:
  explicit FusedCandidate(std::string op)
      : ConvolutionCandidate(std::move(op), "cuda.winograd_fused", 1) {}
  double error_factor(const Problem& problem) const override {
    return convolution_error_factor(problem, amplification<F>(false));
  }

  Support query(const Problem& problem, Device&) const override {
    const WinogradShape s(problem, F::kTile);
    if (std::string why = refuse_winograd(s); !why.empty()) return Support::refuse(why);
    if (s.made > std::int64_t{65535} * kSide)
      return Support::refuse("more channels than a grid has rows");
    const std::int64_t floats = kPoints * s.read * quads(s.made);
    return {{{"", static_cast<std::size_t>(floats) * sizeof(float), true}}, ""};
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration&,
                                  Device&) const override {
    return std::make_unique<FusedKernel>(problem);
  }
};

}  // namespace

void register_fused_winograd_convolution(CandidateRegistry& registry) {
  for (const char* op : {"convolution", "convolution_input_gradient"})
    registry.add(std::make_unique<FusedCandidate>(op));
}

}  // namespace engine::cuda
