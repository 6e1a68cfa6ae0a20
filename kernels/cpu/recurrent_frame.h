// What the kernels of recurrent layers share: the sequences cut into blocks, and where the rows of
// their operands are.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/recurrent_blocks.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/tasks.h"

namespace engine::cpu {

/// product = x * y, elementwise.
void multiply_lines(const float* x, const float* y, float* product, std::int64_t count);

/// Asks for memory that is needed soon, while a product keeps the processor busy: rows of a step
/// are scattered, where no hardware expects them.
template <bool kToWrite = false>
void expect_line(const float* line, std::int64_t count) {
  constexpr std::int64_t kCacheLine = 64 / sizeof(float);
  constexpr int kSecondLevel = 2;
  for (std::int64_t i = 0; i < count; i += kCacheLine)
    __builtin_prefetch(line + i, kToWrite, kSecondLevel);
}

/// A product between whose panels expect(begin, end) asks for the memory of rows of it. All at once
/// would keep what the product itself loads waiting.
template <class Expect>
void multiply_expecting(const PackedProduct& product, std::int64_t rows, std::int64_t columns,
                        const Expect& expect) {
  const std::int64_t width = 2 * micro_kernel().lanes, panels = ceil_divide(columns, width);
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    expect(rows * panel / panels, rows * (panel + 1) / panels);
    multiply_panel(product, rows, columns, panel * width);
  }
}

/// Packs b[depth, columns] of a product; at(line)(column) is an element.
template <class At>
void pack_matrix(std::int64_t depth, std::int64_t columns, const At& at, float* to) {
  const MicroKernel& kernel = micro_kernel();
  parallel_for(depth, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      const auto element = at(line);
      for (std::int64_t panel = 0; panel < columns; panel += 2 * kernel.lanes) {
        const std::int64_t width = kernel.panel_width(panel, columns),
                           count = std::min(width, columns - panel);
        float* target = to + panel * depth + line * width;
        for (std::int64_t j = 0; j < count; ++j) target[j] = element(panel + j);
        std::fill(target + count, target + width, 0.0f);
      }
    }
  });
}

/// Sequences and steps, cut into blocks, and where their rows are.
struct RecurrentFrame {
  RecurrentFrame(const Problem& problem, const RecurrentColumns& all_columns, bool gradient,
                 std::int64_t block_rows)
      : columns(all_columns),
        attributes(RecurrentAttributes::from(problem.attributes)),
        places(attributes, columns.cell, gradient),
        n(RecurrentExtents::of(problem, columns.cell)),
        block(block_rows),
        rows(micro_kernel().padded_rows(block)),
        line(odd_lines(columns.count * n.units + micro_kernel().lanes)),
        input_sources(sources(columns.input_gates, input_columns())),
        recurrent_sources(sources(columns.recurrent_gates, recurrent_columns())) {}

  std::int64_t blocks() const { return ceil_divide(n.sequences, block); }
  std::int64_t count(std::int64_t first) const { return std::min(block, n.sequences - first); }
  std::int64_t step_at(std::int64_t k) const { return attributes.reverse ? n.steps - 1 - k : k; }
  std::int64_t input_columns() const { return columns.cell.input_gates * n.units; }
  std::int64_t recurrent_columns() const { return columns.recurrent_count * n.units; }
  std::int64_t r_columns() const { return columns.cell.recurrent_gates * n.units; }

  /// The columns of w or r behind those of a product whose columns are these gates.
  std::vector<std::int64_t> sources(const std::array<int, 4>& gates, std::int64_t count) const {
    std::vector<std::int64_t> result;
    for (std::int64_t column = 0; column < count; ++column)
      result.push_back(gates[static_cast<std::size_t>(column / n.units)] * n.units +
                       column % n.units);
    return result;
  }

  bool counts(const LaunchArguments& arguments, std::int64_t sequence, std::int64_t t) const {
    return !attributes.mask ||
           arguments.inputs[places.mask].as<std::uint8_t>()[sequence * n.steps + t] != 0;
  }
  const float* scale(const LaunchArguments& arguments, std::int64_t sequence) const {
    return attributes.scale ? arguments.inputs[places.scale].as<float>() + sequence * n.units
                            : nullptr;
  }
  const float* x(const LaunchArguments& arguments, std::int64_t sequence, std::int64_t t) const {
    return arguments.inputs[places.x].as<float>() + (sequence * n.steps + t) * n.inputs;
  }
  /// The initial states of a block, [count, H].
  void load_initial(const LaunchArguments& arguments, std::int64_t first, std::int64_t state,
                    float* to) const {
    const std::int64_t floats = count(first) * n.units;
    if (attributes.initial && state < columns.cell.states)
      std::copy_n(arguments.inputs[places.initial + static_cast<std::size_t>(state)].as<float>() +
                      first * n.units,
                  floats, to);
    else
      std::fill_n(to, floats, 0.0f);
  }
  float* kept(const TensorView& tensor, std::int64_t t, std::int64_t sequence,
              std::int64_t width) const {
    return tensor.as<float>() + (t * n.sequences + sequence) * width;
  }

  const RecurrentColumns& columns;
  RecurrentAttributes attributes;
  RecurrentPlaces places;
  RecurrentExtents n;
  std::int64_t block;  ///< sequences
  std::int64_t rows;   ///< with room for whole tiles
  std::int64_t line;   ///< floats of a row of all columns; products may write behind the last
  std::vector<std::int64_t> input_sources, recurrent_sources;  ///< by column
};

class RecurrentKernel : public Kernel {
 public:
  RecurrentKernel(const Problem& problem, const RecurrentColumns& columns, bool gradient,
                  std::int64_t block)
      : frame_(problem, columns, gradient, block) {}
  std::size_t workspace() const { return regions_.bytes(); }

 protected:
  RecurrentFrame frame_;
  Regions regions_;
};

/// Of blocks of `block` sequences.
std::unique_ptr<RecurrentKernel> make_recurrent_forward(const Problem& problem,
                                                        const RecurrentColumns& columns,
                                                        std::int64_t block);
std::unique_ptr<RecurrentKernel> make_recurrent_backward(const Problem& problem,
                                                         const RecurrentColumns& columns,
                                                         std::int64_t block);

}  // namespace engine::cpu
