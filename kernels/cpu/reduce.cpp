// Reductions on the CPU, accumulated in double: sums of f32 then round once, at the end.
//
// A reduction over the innermost axis runs along lines, with 32 accumulators; any other one
// runs over rows, with an accumulator for each of a chunk of columns. A tensor with few results is
// cut into segments, by its shape alone, whose partial results lie in the workspace.
#include "kernels/reduce.h"

#include <algorithm>
#include <limits>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/registry.h"
#include "kernels/cpu/simd.h"

namespace engine {
namespace cpu {
namespace {

constexpr std::int64_t kLanes = 32;
constexpr std::int64_t kColumns = 256;         // of a chunk
constexpr std::int64_t kFewUnits = 8;          // chunks that do not occupy the threads
constexpr std::int64_t kSegmentItems = 65536;  // elements worth a segment
constexpr std::int64_t kMostSegments = 64;

struct Sum {
  static constexpr double kIdentity = 0;
  static double combine(double a, double b) { return a + b; }
};
// Keeps NaN, with which no comparison holds. In two selects, which vectorize.
struct Max {
  static constexpr double kIdentity = -std::numeric_limits<double>::infinity();
  static double combine(double a, double b) {
    const double larger = b <= a ? a : b;
    return a != a ? a : larger;
  }
};

template <class F>
ENGINE_SIMD_INLINE void reduce_line(const float* x, std::int64_t count, double* result) {
  double lanes[kLanes];
  for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] = F::kIdentity;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] = F::combine(lanes[k], x[i + k]);
  for (std::int64_t k = 0; i + k < count; ++k) lanes[k] = F::combine(lanes[k], x[i + k]);
  double total = F::kIdentity;
  for (std::int64_t k = 0; k < kLanes; ++k) total = F::combine(total, lanes[k]);
  *result = total;
}

template <class F>
ENGINE_SIMD_INLINE void reduce_columns(const float* x, std::int64_t rows, std::int64_t stride,
                                       std::int64_t columns, double* result) {
  for (std::int64_t i = 0; i < columns; ++i) result[i] = F::kIdentity;
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * stride;
    ENGINE_SIMD_LOOP
    for (std::int64_t i = 0; i < columns; ++i) result[i] = F::combine(result[i], row[i]);
  }
}

// results[i] over `rows` elements from x[i] on, `stride` apart, of `columns` columns; a line where
// stride is 1.
using Loop = void (*)(const float* x, std::int64_t rows, std::int64_t stride, std::int64_t columns,
                      double* results);

ENGINE_SIMD_CLONES
void sum_loop(const float* x, std::int64_t rows, std::int64_t stride, std::int64_t columns,
              double* results) {
  if (stride == 1) return reduce_line<Sum>(x, rows, results);
  reduce_columns<Sum>(x, rows, stride, columns, results);
}

ENGINE_SIMD_CLONES
void max_loop(const float* x, std::int64_t rows, std::int64_t stride, std::int64_t columns,
              double* results) {
  if (stride == 1) return reduce_line<Max>(x, rows, results);
  reduce_columns<Max>(x, rows, stride, columns, results);
}

// How a problem is cut: outer x segments x chunks units.
struct Cut {
  ReduceExtents n;
  std::int64_t chunks, segments, length;

  explicit Cut(const Problem& problem) : n(ReduceExtents::of(problem)) {
    chunks = (n.inner + kColumns - 1) / kColumns;
    const std::int64_t items = n.results() * n.reduced;
    segments = n.outer * chunks >= kFewUnits
                   ? 1
                   : std::clamp<std::int64_t>(items / kSegmentItems, 1, kMostSegments);
    length = (n.reduced + segments - 1) / segments;
  }
  std::int64_t units() const { return n.outer * segments * chunks; }
  std::int64_t grain() const {
    const std::int64_t unit = std::min(n.inner, kColumns) * length;
    return std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, unit));
  }
};

// Calls store(first result, column count, segment, values) for every unit.
template <class Store>
void reduce_units(const Cut& cut, const float* x, Loop loop, const Store& store) {
  const ReduceExtents& n = cut.n;
  parallel_for(cut.units(), cut.grain(), [&](std::int64_t begin, std::int64_t end) {
    double values[kColumns];
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t column = unit % cut.chunks * kColumns;
      const std::int64_t segment = unit / cut.chunks % cut.segments;
      const std::int64_t o = unit / (cut.chunks * cut.segments);
      const std::int64_t from = std::min(segment * cut.length, n.reduced);
      const std::int64_t rows = std::min(cut.length, n.reduced - from);
      const std::int64_t columns = std::min(kColumns, n.inner - column);
      loop(x + (o * n.reduced + from) * n.inner + column, rows, n.inner, columns, values);
      store(o * n.inner + column, columns, segment, values);
    }
  });
}

SimpleCandidate::Launch prepare_reduce(const Problem& problem) {
  const ReduceKind kind = ReduceAttributes::from(problem.attributes).kind;
  const Cut cut(problem);
  const bool is_max = kind == ReduceKind::max;
  const double divisor = kind == ReduceKind::mean ? static_cast<double>(cut.n.reduced) : 1;
  return [cut, divisor, is_max](const LaunchArguments& arguments) {
    const float* x = arguments.inputs[0].as<float>();
    float* y = arguments.outputs[0].as<float>();
    auto* partial = static_cast<double*>(arguments.workspace);
    const std::int64_t results = cut.n.results();
    reduce_units(
        cut, x, is_max ? max_loop : sum_loop,
        [&](std::int64_t first, std::int64_t count, std::int64_t segment, const double* values) {
          for (std::int64_t i = 0; i < count; ++i)
            if (cut.segments == 1)
              y[first + i] = static_cast<float>(values[i] / divisor);
            else
              partial[segment * results + first + i] = values[i];
        });
    if (cut.segments == 1) return;
    for (std::int64_t i = 0; i < results; ++i) {
      double total = partial[i];
      for (std::int64_t s = 1; s < cut.segments; ++s) {
        const double value = partial[s * results + i];
        total = is_max ? Max::combine(total, value) : Sum::combine(total, value);
      }
      y[i] = static_cast<float>(total / divisor);
    }
  };
}

std::size_t reduce_workspace(const Problem& problem) {
  const Cut cut(problem);
  if (cut.segments == 1) return 0;
  return static_cast<std::size_t>(cut.segments * cut.n.results()) * sizeof(double);
}

bool is_largest(float x, float largest) {
  return x == largest || (x != x && largest != largest);
}

// dx of a line.
void max_gradient(float dy, const float* x, float y, float* dx, std::int64_t count) {
  const float* first = std::find_if(x, x + count, [&](float v) { return is_largest(v, y); });
  std::fill_n(dx, count, 0.0f);
  if (first != x + count) dx[first - x] = dy;
}

// dx of a chunk of columns; `taken` marks those whose largest element is behind.
void max_gradient(const float* dy, const float* x, const float* y, float* dx,
                  const ReduceExtents& n, std::int64_t columns) {
  std::int32_t taken[kColumns] = {};
  for (std::int64_t r = 0; r < n.reduced; ++r)
    for (std::int64_t i = 0; i < columns; ++i) {
      const bool largest = is_largest(x[r * n.inner + i], y[i]);
      dx[r * n.inner + i] = largest && taken[i] == 0 ? dy[i] : 0.0f;
      taken[i] |= largest ? 1 : 0;
    }
}

SimpleCandidate::Launch prepare_max_gradient(const Problem& problem) {
  const auto n = ReduceExtents::of(problem);
  return [n](const LaunchArguments& arguments) {
    const float* dy = arguments.inputs[0].as<float>();
    const float* x = arguments.inputs[1].as<float>();
    const float* y = arguments.inputs[2].as<float>();
    float* dx = arguments.outputs[0].as<float>();
    const std::int64_t chunks = (n.inner + kColumns - 1) / kColumns;
    const std::int64_t items = std::max<std::int64_t>(1, n.reduced * std::min(n.inner, kColumns));
    parallel_for(n.outer * chunks, std::max<std::int64_t>(1, kElementGrain / items),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t unit = begin; unit < end; ++unit) {
                     const std::int64_t o = unit / chunks, column = unit % chunks * kColumns;
                     const std::int64_t result = o * n.inner + column;
                     const std::int64_t first = o * n.reduced * n.inner + column;
                     if (n.inner == 1)
                       max_gradient(dy[o], x + first, y[o], dx + first, n.reduced);
                     else
                       max_gradient(dy + result, x + first, y + result, dx + first, n,
                                    std::min(kColumns, n.inner - column));
                   }
                 });
  };
}

}  // namespace
}  // namespace cpu

void register_reduce_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "reduce",
                               .backend = "cpu",
                               .id = "cpu.simd",
                               .prepare = cpu::prepare_reduce,
                               .workspace = cpu::reduce_workspace});
  registry.add(SimpleCandidate{.op = "reduce_max_gradient",
                               .backend = "cpu",
                               .id = "cpu.loop",
                               .prepare = cpu::prepare_max_gradient});
}

}  // namespace engine
