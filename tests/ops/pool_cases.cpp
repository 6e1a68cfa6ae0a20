// Cases of pooling: one to three dimensions, windows apart and overlapping, padding, dilation, both
// layouts, extents around the lanes of kernels.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ops/convolution.h"
#include "ops/pool.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Geometry {
  std::int64_t batch, channels;
  std::vector<std::int64_t> input, extents;
  std::int64_t stride = 1, padding = 0, dilation = 1;

  Extents3 spatial(const std::vector<std::int64_t>& list) const {
    Extents3 result{1, 1, 1};
    std::copy(list.begin(), list.end(), result.end() - static_cast<std::ptrdiff_t>(list.size()));
    return result;
  }
  PoolAttributes pool() const {
    PoolAttributes pool;
    pool.window.rank = static_cast<int>(input.size());
    for (std::size_t d = 3 - input.size(); d < 3; ++d) {
      pool.window.stride[d] = stride;
      pool.window.dilation[d] = dilation;
      pool.window.padding_before[d] = padding;
      pool.window.padding_after[d] = padding > 0 && stride > 1 ? padding - 1 : padding;
    }
    pool.extents = spatial(extents);
    return pool;
  }
  TensorType x(DType dtype, Layout layout) const {
    return {ops::image_shape(batch, channels, spatial(input), pool().window.rank), dtype, layout};
  }
  std::string name() const {
    std::string text = fmt::format("{}x{}{} by {}", batch, channels, Shape(input).to_string(),
                                   Shape(extents).to_string());
    if (stride != 1) text += fmt::format(" stride {}", stride);
    if (padding != 0) text += fmt::format(" padding {}", padding);
    if (dilation != 1) text += fmt::format(" dilation {}", dilation);
    return text;
  }
};

const std::vector<Geometry>& geometries() {
  static const std::vector<Geometry> list{
      {1, 1, {1, 1}, {1, 1}},
      {0, 3, {4, 4}, {2, 2}, 2},
      {2, 3, {4, 6}, {2, 2}, 2},
      {2, 5, {7, 5}, {2, 2}, 2},
      {1, 4, {6, 6}, {3, 3}, 2, 1},
      {2, 17, {5, 7}, {3, 3}, 1, 1},
      {2, 32, {8, 8}, {2, 2}, 2},
      {1, 8, {9, 9}, {3, 2}, 3},
      {1, 3, {7, 7}, {2, 2}, 1, 0, 2},
      {1, 2, {1, 3}, {2, 2}, 1, 1, 2},
      {2, 4, {33}, {3}, 2, 1},
      {1, 2, {1100}, {2}, 2},
      {1, 530, {4}, {2}, 2},
      {1, 3, {4, 5, 6}, {2, 2, 2}, 2},
      {1, 4, {4, 5, 4}, {3, 2, 3}, 1, 1},
      {1, 2, {15, 17}, {15, 17}},
      {8, 50, {32, 32}, {2, 2}, 2},
      {4, 64, {28, 28}, {3, 3}, 2, 1},
  };
  return list;
}

void add(CaseTable& table, const Geometry& g, const std::string& name,
         std::shared_ptr<const graph::Op> op, std::vector<TensorType> types,
         std::vector<InputDraw> draws, bool exact, bool gradient = false) {
  const bool large = is_large(types[0]);
  table.add({.name = fmt::format("{} {}{}", g.name(), types[0].to_string(), name),
             .op = std::move(op),
             .types = std::move(types),
             .draws = std::move(draws),
             .exact = exact,
             .large = large,
             .gradient = gradient});
}

void add_forward(CaseTable& table, const Geometry& g, const TensorType& x) {
  const bool small = x.dtype == DType::f32 && x.element_count() > 0 && x.element_count() < 300;
  PoolAttributes pool = g.pool();
  // A window of padding alone gives minus infinity, which has no differences.
  const bool smooth = small && g.dilation == 1;
  add(table, g, "", ops::max_pool(pool), {x}, {kReals}, true, smooth);
  add(table, g, " ties", ops::max_pool(pool), {x}, {{Kind::integers, -2, 2}}, true);
  add(table, g, " specials", ops::max_pool(pool), {x}, {kSpecials}, true);
  add(table, g, "", ops::average_pool(pool), {x}, {kReals}, false, small);
  for (Activation activation : {Activation::none, Activation::relu})
    for (double rate : {0.0, 0.5}) {
      if (activation == Activation::none && rate == 0) continue;
      pool.epilogue = {activation, {rate, kKey}};
      const std::string name = fmt::format("{}{}", activation == Activation::relu ? " relu" : "",
                                           rate > 0 ? " drop" : "");
      std::vector<TensorType> types{x};
      std::vector<InputDraw> draws{kReals}, specials{kSpecials};
      if (rate > 0) {
        types.push_back(kScalarI64);
        draws.push_back(kStep);
        specials.push_back(kStep);
      }
      add(table, g, name, ops::max_pool(pool), types, draws, true, smooth);
      add(table, g, name + " specials", ops::max_pool(pool), types, specials, true);
    }
}

void add_backward(CaseTable& table, const Geometry& g, const TensorType& x) {
  const PoolAttributes pool = g.pool();
  const Extents3 input = g.spatial(g.input);
  const std::vector<TensorType> types = ops::max_pool(pool)->infer({&x, 1});
  const InputDraw index{Kind::integers, 0,
                        static_cast<double>(pool.extents[0] * pool.extents[1] * pool.extents[2])};
  const bool whole = x.dtype == DType::f32;
  add(table, g, "", ops::max_pool_gradient(pool, input), types, {kReals, index}, false);
  add(table, g, " scale 2 integers", ops::max_pool_gradient(pool, input, 2), types,
      {kSmallIntegers, index}, whole);
  add(table, g, " no index", ops::max_pool_gradient(pool, input), types,
      {kReals, {Kind::integers, kNoIndex, kNoIndex}}, true);
  add(table, g, "", ops::average_pool_gradient(pool, input), {types[0]}, {kReals}, false);
}

}  // namespace

void register_pool_cases(CaseTable& table) {
  for (const Geometry& g : geometries())
    for (DType dtype : {DType::f32, DType::bf16})
      for (Layout layout : {Layout::row_major, Layout::channels_last}) {
        const TensorType x = g.x(dtype, layout);
        add_forward(table, g, x);
        add_backward(table, g, x);
      }
}

}  // namespace engine::test
