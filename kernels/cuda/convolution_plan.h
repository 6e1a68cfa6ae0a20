// How cuda.implicit_gemm computes a problem: as a product of which extents, in tiles of which size,
// in how many splits of the sum.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/convolution.h"
#include "kernels/cuda/convolution_filters.h"
#include "kernels/cuda/convolution_product.cuh"
#include "kernels/cuda/product_plan.h"

namespace engine::cuda {

inline constexpr int kAccesses = 3;

/// One tile size: a kernel for each way to read the images.
struct Variant {
  const char* name;
  int m, n, threads;
  bool bf16;
  void (*correlation[kAccesses])(Correlation);
  void (*weight[kAccesses])(WeightProduct);
};

/// A problem as a product, of one group: extents of the result and of the sum.
struct Extents {
  bool weight, bf16;
  std::int64_t m, n, k, groups;

  static Extents of(const Problem& problem) {
    const auto g = ConvolutionGeometry::of(problem);
    const bool bf16 = multiplies_bfloat16(problem);
    const std::int64_t taps = g.filter_positions();
    if (problem.op == "convolution_weight_gradient")
      return {
          true,    bf16, taps * g.group_inputs(), g.group_outputs(), g.batch * g.output_positions(),
          g.groups};
    if (problem.op == "convolution")
      return {
          false,   bf16, g.batch * g.output_positions(), g.group_outputs(), taps * g.group_inputs(),
          g.groups};
    return {
        false,   bf16, g.batch * g.input_positions(), g.group_inputs(), taps * g.group_outputs(),
        g.groups};
  }
  /// Floats of one split's partial sums: products, and below them sums of dz.
  std::int64_t slice() const { return groups * (m + 1) * n; }
};

struct Plan : SplitPlan<Variant> {
  std::size_t workspace(const Extents& e) const {
    const std::int64_t floats = e.weight ? splits * e.slice() : e.groups * e.k * quads(e.n);
    return static_cast<std::size_t>(floats) * sizeof(float);
  }
  // Sums of dz are wanted even where there are no taps.
  std::int64_t tiles(std::int64_t m, const Extents& e) const {
    const std::int64_t rows = ceil_div<std::int64_t>(m, variant->m);
    return std::max<std::int64_t>(rows, e.weight ? 1 : 0) * ceil_div<std::int64_t>(e.n, variant->n);
  }
  dim3 grid(std::int64_t m, const Extents& e) const {
    return dim3(static_cast<unsigned>(tiles(m, e)), static_cast<unsigned>(splits),
                static_cast<unsigned>(e.groups));
  }
  bool applies(const Extents& e) const {
    if (variant->bf16 != e.bf16 || tiles(e.m, e) > INT32_MAX) return false;
    if (variant->m > 64 && (e.m <= 64 || e.n <= 64)) return false;
    return splits == 1 || (e.weight && e.k >= 2 * kDepth * splits &&
                           tiles(e.m, e) * e.groups * splits <= kManyBlocks);
  }
};

/// Those that apply.
std::vector<Plan> plans_for(const Extents& extents);

}  // namespace engine::cuda
