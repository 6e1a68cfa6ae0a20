// Cases of convolution and its gradients: one to three dimensions, strides, padding, dilation,
// groups, both layouts, extents around the tiles of kernels.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "ops/convolution.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

struct Geometry {
  std::int64_t batch, inputs, outputs;
  std::vector<std::int64_t> input, filter;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  std::optional<WindowAttributes> uneven{};  ///< in place of the above, dimension by dimension

  int rank() const { return static_cast<int>(input.size()); }
  WindowAttributes window() const {
    if (uneven) return *uneven;
    WindowAttributes window;
    window.rank = rank();
    for (std::size_t d = 3 - input.size(); d < 3; ++d) {
      window.stride[d] = stride;
      window.dilation[d] = dilation;
      window.padding_before[d] = padding;
      // An asymmetry where there is a stride, as TensorFlow's "same" has it.
      window.padding_after[d] = padding > 0 && stride > 1 ? padding - 1 : padding;
    }
    return window;
  }
  Extents3 extents(const std::vector<std::int64_t>& list) const {
    Extents3 result{1, 1, 1};
    std::copy(list.begin(), list.end(), result.end() - rank());
    return result;
  }
  Shape x() const { return ops::image_shape(batch, inputs, extents(input), rank()); }
  Shape w() const { return ops::image_shape(outputs, inputs / groups, extents(filter), rank()); }
  Shape y() const {
    return ops::image_shape(batch, outputs, window().positions(extents(input), extents(filter)),
                            rank());
  }
  double work() const {
    return static_cast<double>(y().element_count()) * static_cast<double>(w().element_count()) /
           static_cast<double>(outputs);
  }
  std::string name() const {
    std::string text = fmt::format("{}x{}{} to {}{}", batch, inputs, Shape(input).to_string(),
                                   outputs, Shape(filter).to_string());
    if (uneven) {
      const auto print = [&](const Extents3& values) { return print_spatial(values, rank()); };
      text += fmt::format(" stride {} padding {} and {} dilation {}", print(uneven->stride),
                          print(uneven->padding_before), print(uneven->padding_after),
                          print(uneven->dilation));
    }
    if (stride != 1) text += fmt::format(" stride {}", stride);
    if (padding != 0) text += fmt::format(" padding {}", padding);
    if (dilation != 1) text += fmt::format(" dilation {}", dilation);
    if (groups != 1) text += fmt::format(" groups {}", groups);
    return text;
  }
};

const std::vector<Geometry>& geometries() {
  static const std::vector<Geometry> list{
      {1, 1, 1, {1, 1}, {1, 1}},
      {0, 3, 4, {5, 5}, {3, 3}, 1, 1},
      {1, 1, 1, {3, 3}, {3, 3}},
      {2, 1, 2, {5, 4}, {3, 2}, 1, 1},
      {2, 3, 5, {8, 8}, {3, 3}, 1, 1},
      {1, 3, 50, {12, 12}, {3, 3}, 1, 1},
      {2, 8, 8, {7, 9}, {3, 3}, 1, 1},
      {3, 16, 17, {6, 6}, {3, 3}},
      {1, 33, 31, {9, 7}, {3, 3}, 1, 1},
      {2, 15, 32, {4, 4}, {3, 3}, 1, 2},
      {1, 50, 50, {10, 10}, {3, 3}, 1, 1},
      {1, 64, 65, {5, 5}, {3, 3}, 1, 1},
      {2, 5, 66, {6, 7}, {3, 3}, 1, 1},
      {2, 5, 7, {8, 8}, {1, 1}},
      {2, 32, 33, {7, 7}, {1, 1}, 2},
      {1, 4, 6, {11, 11}, {5, 5}, 2, 2},
      {1, 3, 8, {15, 15}, {7, 7}, 2, 3},
      {2, 6, 4, {9, 9}, {3, 3}, 1, 2, 2},
      {1, 4, 6, {10, 9}, {3, 3}, 2, 1},
      {2, 6, 9, {7, 7}, {3, 3}, 1, 1, 1, 3},
      {2, 8, 8, {7, 7}, {3, 3}, 1, 1, 1, 8},
      {1, 6, 12, {9, 8}, {3, 3}, 2, 1, 1, 6},
      {2, 3, 4, {9}, {3}, 1, 1},
      {2, 16, 8, {33}, {5}, 2, 2},
      {1, 3, 4, {4, 5, 6}, {3, 3, 3}, 1, 1},
      {2, 2, 3, {5, 4, 5}, {2, 3, 1}, 2, 1},
      {4, 8, 10, {24, 21}, {3, 3}, 1, 1},
      {1, 50, 50, {16, 16}, {3, 3}, 1, 1},
      {2, 3, 50, {24, 24}, {3, 3}, 1, 1},
      {1, 100, 100, {8, 8}, {3, 3}, 1, 1},
      {2, 64, 64, {14, 14}, {1, 1}},
  };
  return list;
}

// What a seed draws, the same on every call.
class Draws {
 public:
  std::int64_t operator()(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_word(kKey, 0, drawn_++)) % (high - low + 1);
  }
  std::int64_t operator()(std::initializer_list<std::int64_t> choices) {
    return choices.begin()[(*this)(0, static_cast<std::int64_t>(choices.size()) - 1)];
  }

 private:
  std::uint64_t drawn_ = 0;
};

// What kernels are made for, or none of it.
enum class Purpose { any, few_inputs, depthwise, winograd };

void draw_channels(Geometry& g, Purpose kind, Draws& draw) {
  switch (kind) {
    case Purpose::any:
      g.groups = draw(0, 2) > 0 ? 1 : draw(2, 5);
      g.inputs = g.groups * draw(1, 20 / g.groups);
      g.outputs = g.groups * draw(1, 20 / g.groups);
      return;
    case Purpose::few_inputs:
      g.inputs = draw(1, 4);
      g.outputs = draw({1, 5, 31, 32, 33, 64, 65});
      return;
    case Purpose::depthwise:
      g.groups = g.inputs = draw({1, 3, 8, 31, 32, 33});
      g.outputs = g.groups * (draw(0, 2) > 0 ? 1 : draw(2, 3));
      return;
    case Purpose::winograd:
      g.inputs = draw({1, 3, 4, 8, 31, 32, 33});
      g.outputs = g.inputs > 8 ? draw({1, 7}) : draw({1, 31, 32, 33});
      return;
  }
}

// Extents of a few, around those of tiles; every stride, padding and dilation beside every other,
// and different ones in every dimension.
Geometry draw_geometry(Purpose kind, Draws& draw) {
  const bool winograd = kind == Purpose::winograd;
  Geometry g{draw(1, 3), 1, 1, {}, {}};
  draw_channels(g, kind, draw);
  const auto rank = static_cast<int>(winograd ? 2 : draw(1, 3));
  WindowAttributes window;
  window.rank = rank;
  for (std::size_t d = 3 - static_cast<std::size_t>(rank); d < 3; ++d) {
    g.input.push_back(draw(1, rank == 3 ? 5 : 9));
    g.filter.push_back(winograd ? 3 : draw(1, rank == 3 ? 3 : 4));
    window.stride[d] = winograd ? 1 : draw(1, 3);
    window.dilation[d] = winograd ? 1 : draw(1, 2);
    window.padding_before[d] = draw(0, 2);
    window.padding_after[d] = draw(0, 2);
  }
  g.uneven = window;
  return g;
}

std::vector<Geometry> random_geometries(std::size_t count) {
  Draws draw;
  std::vector<Geometry> result;
  while (result.size() < count) {
    Geometry g = draw_geometry(static_cast<Purpose>(result.size() % 4), draw);
    const Extents3 positions = g.window().positions(g.extents(g.input), g.extents(g.filter));
    if (*std::min_element(positions.begin(), positions.end()) > 0) result.push_back(std::move(g));
  }
  return result;
}

struct Variant {
  Activation activation = Activation::none;
  double rate = 0;
  std::string name() const {
    return fmt::format("{}{}", activation == Activation::relu ? " relu" : "",
                       rate > 0 ? fmt::format(" drop {}", rate) : "");
  }
};

const char* suffix(Layout layout) {
  return layout == Layout::row_major ? "" : " channels last";
}

bool is_large(const Geometry& g) {
  return g.work() > 1e6;
}

bool is_winograd(const Geometry& g) {
  const WindowAttributes window = g.window();
  const Extents3 ones{1, 1, 1};
  return g.filter == std::vector<std::int64_t>{3, 3} && g.groups == 1 && window.stride == ones &&
         window.dilation == ones;
}

// Winograd's transforms divide by up to 24 in each of two dimensions: where one factor is a
// multiple of that, all numbers stay whole.
const InputDraw kSigns{Kind::integers, -1, 2};
const InputDraw kDivisible{Kind::integers, -1, 2, 576};

OpCase forward(const Geometry& g, const Variant& variant, Layout layout, const InputDraw& draw,
               DType x = DType::f32, DType y = DType::f32) {
  const bool whole = draw.kind == Kind::integers;
  ConvolutionAttributes attributes{
      g.window(), g.groups, {variant.activation, {variant.rate, kKey}, y}};
  OpCase test{.name = fmt::format("{}{}{}{}{}", g.name(), variant.name(), suffix(layout),
                                  x == DType::bf16 ? " bf16" : "", whole ? " integers" : ""),
              .op = ops::convolution(attributes),
              .types = {{g.x(), x, layout}, f32(g.w()), f32({g.outputs})},
              .draws = {draw, draw, draw},
              .exact = whole && y == DType::f32,
              .large = is_large(g),
              .gradient = x == DType::f32 && layout == Layout::row_major && g.work() < 3000};
  if (variant.rate > 0) {
    test.types.push_back(kScalarI64);
    test.draws.push_back(kStep);
  }
  return test;
}

// Cases that are exact for Winograd kernels, too.
void add_divisible(CaseTable& table, const Geometry& g, Layout layout) {
  const TensorType x{g.x(), DType::f32, layout}, z{g.y(), DType::f32, layout};
  OpCase test{.name = fmt::format("{}{} divisible", g.name(), suffix(layout)),
              .op = ops::convolution({g.window(), g.groups, {}}),
              .types = {x, f32(g.w()), f32({g.outputs})},
              .draws = {kSigns, kDivisible, kSmallIntegers},
              .exact = true,
              .divisible = true};
  table.add(test);
  test.op = ops::convolution_input_gradient(g.window(), g.groups, g.extents(g.input));
  test.types = {z, f32(g.w())};
  test.draws = {kSigns, kDivisible};
  table.add(test);
  test.op = ops::convolution_weight_gradient(g.window(), g.groups, g.extents(g.filter));
  test.types = {x, z};
  table.add(test);
}

void add_gradients(CaseTable& table, const Geometry& g, Layout layout, const InputDraw& draw,
                   DType dtype = DType::f32) {
  const bool narrow = dtype == DType::bf16;
  const TensorType x{g.x(), dtype, layout}, z{g.y(), dtype, layout};
  OpCase test{.name = fmt::format("{}{}{}{}", g.name(), suffix(layout), narrow ? " bf16" : "",
                                  draw.kind == Kind::integers ? " integers" : ""),
              .op = ops::convolution_weight_gradient(g.window(), g.groups, g.extents(g.filter)),
              .types = {x, z},
              .draws = {draw, draw},
              .exact = draw.kind == Kind::integers,
              .large = is_large(g)};
  table.add(test);
  test.op = ops::convolution_input_gradient(g.window(), g.groups, g.extents(g.input));
  test.types = {z, f32(g.w())};
  test.exact = test.exact && !narrow;
  table.add(test);
}

}  // namespace

void register_convolution_cases(CaseTable& table) {
  const std::array<Variant, 3> epilogues{
      {{Activation::relu, 0}, {Activation::relu, 0.5}, {Activation::none, 0.25}}};
  for (const Geometry& g :
       {Geometry{2, 8, 8, {7, 9}, {3, 3}, 1, 1}, Geometry{1, 33, 31, {9, 7}, {3, 3}, 1, 1},
        Geometry{4, 8, 10, {24, 21}, {3, 3}, 1, 1}})
    for (Layout layout : {Layout::row_major, Layout::channels_last})
      add_divisible(table, g, layout);
  std::size_t turn = 0;
  for (const Geometry& g : geometries())
    for (Layout layout : {Layout::row_major, Layout::channels_last}) {
      for (const InputDraw& draw : {kReals, kSmallIntegers}) {
        table.add(forward(g, {}, layout, draw));
        add_gradients(table, g, layout, draw);
      }
      // Every epilogue meets every kind of geometry in some layout.
      table.add(forward(g, epilogues[turn++ % epilogues.size()], layout, kReals));
      table.add(forward(g, {}, layout, kReals, DType::bf16, DType::bf16));
      table.add(forward(g, epilogues[turn % epilogues.size()], layout, kReals, DType::bf16));
      add_gradients(table, g, layout, kReals, DType::bf16);
    }
  // Those for Winograd's kernels come in multiples of what they divide by, exact for all others
  // too.
  for (const Geometry& g : random_geometries(300)) {
    const Layout layout = turn++ / 4 % 2 == 0 ? Layout::row_major : Layout::channels_last;
    if (is_winograd(g)) {
      add_divisible(table, g, layout);
      continue;
    }
    table.add(forward(g, {}, layout, kSmallIntegers));
    add_gradients(table, g, layout, kSmallIntegers);
  }
}

}  // namespace engine::test
