#include "kernels/cpu/recurrent_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/tasks.h"

namespace engine::cpu {
namespace {

ENGINE_SIMD_CLONES
void add_line(const float* x, float* sums, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) sums[i] += x[i];
}

ENGINE_SIMD_CLONES
void multiply_lines(const float* x, const float* y, float* product, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) product[i] = x[i] * y[i];
}

// b[depth, columns] of a product in panels; at(line, column) is an element.
template <class At>
void pack_matrix(std::int64_t depth, std::int64_t columns, const At& at, float* to) {
  const MicroKernel& kernel = micro_kernel();
  parallel_for(depth, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line)
      for (std::int64_t column = 0; column < kernel.padded_columns(columns); ++column)
        to[kernel.packed_offset(line, column, depth, columns)] =
            column < columns ? at(line, column) : 0.0f;
  });
}

// One line of such a matrix, or zeros.
void pack_line(const float* line, std::int64_t index, std::int64_t depth, std::int64_t columns,
               float* to) {
  const MicroKernel& kernel = micro_kernel();
  for (std::int64_t k = 0; k < columns; k += kernel.lanes) {
    const std::int64_t width =
        line == nullptr ? 0 : std::min<std::int64_t>(kernel.lanes, columns - k);
    float* target = to + kernel.packed_offset(index, k, depth, columns);
    std::fill(std::copy_n(line + k, width, target), target + kernel.lanes, 0.0f);
  }
}

// Sequences and steps, cut into blocks, and where their rows are.
struct Frame {
  Frame(const Problem& problem, const RecurrentColumns& all_columns, bool gradient,
        std::int64_t block_rows)
      : columns(all_columns),
        attributes(RecurrentAttributes::from(problem.attributes)),
        places(attributes, columns.cell, gradient),
        n(RecurrentExtents::of(problem, columns.cell)),
        block(block_rows),
        rows(micro_kernel().padded_rows(block)),
        line((columns.count * n.units + 4 * micro_kernel().lanes - 1) / micro_kernel().lanes *
             micro_kernel().lanes),
        units_line(micro_kernel().padded_columns(n.units)),
        inputs_line(micro_kernel().padded_columns(n.inputs)) {}

  std::int64_t blocks() const { return ceil_divide(n.sequences, block); }
  std::int64_t count(std::int64_t first) const { return std::min(block, n.sequences - first); }
  std::int64_t step_at(std::int64_t k) const { return attributes.reverse ? n.steps - 1 - k : k; }
  std::int64_t input_columns() const { return columns.cell.input_gates * n.units; }
  std::int64_t recurrent_columns() const { return columns.recurrent_count * n.units; }
  std::int64_t r_columns() const { return columns.cell.recurrent_gates * n.units; }

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
  // The initial states of a block, [count, H].
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
  std::int64_t units_line, inputs_line;
};

class RecurrentKernel : public Kernel {
 public:
  RecurrentKernel(const Problem& problem, const RecurrentColumns& columns, bool gradient,
                  std::int64_t block)
      : frame_(problem, columns, gradient, block) {}
  std::size_t workspace() const { return regions_.bytes(); }

 protected:
  Frame frame_;
  Regions regions_;
};

class ForwardKernel final : public RecurrentKernel {
 public:
  ForwardKernel(const Problem& problem, const RecurrentColumns& columns, std::int64_t block)
      : RecurrentKernel(problem, columns, false, block), results_(frame_.attributes, columns.cell) {
    const std::int64_t units = frame_.n.units;
    w_ = regions_.add(frame_.n.inputs * micro_kernel().padded_columns(frame_.input_columns()));
    r_ = regions_.add(units * micro_kernel().padded_columns(frame_.recurrent_columns()));
    late_ = regions_.add(columns.late() ? units * frame_.units_line : 0);
    bias_ = regions_.add(frame_.line);
    for (int worker = 0; worker < threads(); ++worker) scratch_.push_back(Scratch(*this));
  }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    pack(arguments, workspace);
    for_each_task(frame_.blocks(), static_cast<std::int64_t>(scratch_.size()),
                  [&](std::int64_t task, std::int64_t worker) {
                    run(arguments, workspace, scratch_[static_cast<std::size_t>(worker)],
                        task * frame_.block);
                  });
  }

 private:
  struct Scratch {
    explicit Scratch(ForwardKernel& kernel) {
      const Frame& f = kernel.frame_;
      x = kernel.regions_.add(f.rows * f.n.inputs);
      for (std::int64_t* state : {&h, &s, &c, &operand})
        *state = kernel.regions_.add(f.rows * f.n.units);
      z = kernel.regions_.add(f.rows * f.line);
      c_next = kernel.regions_.add(f.n.units);
      gates = kernel.regions_.add(f.line);
    }
    std::int64_t x, h, s, c, operand, z, c_next, gates;
  };

  void pack(const LaunchArguments& arguments, float* workspace) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t units = frame_.n.units, w_columns = frame_.input_columns(),
                       r_columns = frame_.r_columns();
    const float* w = arguments.inputs[frame_.places.w].as<float>();
    const float* r = arguments.inputs[frame_.places.r].as<float>();
    const float* b = arguments.inputs[frame_.places.b].as<float>();
    const auto source = [&](const std::array<int, 4>& gates, std::int64_t column) {
      return gates[static_cast<std::size_t>(column / units)] * units + column % units;
    };
    pack_matrix(
        frame_.n.inputs, w_columns,
        [&](std::int64_t i, std::int64_t column) {
          return w[i * w_columns + source(columns.input_gates, column)];
        },
        workspace + w_);
    pack_matrix(
        units, frame_.recurrent_columns(),
        [&](std::int64_t i, std::int64_t column) {
          return r[i * r_columns + source(columns.recurrent_gates, column)];
        },
        workspace + r_);
    if (columns.late())
      pack_matrix(
          units, units,
          [&](std::int64_t i, std::int64_t column) {
            return r[i * r_columns + kLateGate * units + column];
          },
          workspace + late_);
    float* bias = workspace + bias_;
    std::fill_n(bias, frame_.line, 0.0f);
    for (std::int64_t k = 0; k < w_columns; ++k) bias[k] = b[source(columns.input_gates, k)];
    if (columns.cell.two_biases)
      for (std::int64_t k = 0; k < frame_.recurrent_columns(); ++k)
        bias[columns.first_recurrent * units + k] +=
            b[w_columns + source(columns.recurrent_gates, k)];
  }

  void run(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
           std::int64_t first) const {
    const std::int64_t count = frame_.count(first), units = frame_.n.units;
    float *h = workspace + scratch.h, *c = workspace + scratch.c;
    frame_.load_initial(arguments, first, 0, h);
    frame_.load_initial(arguments, first, 1, c);
    for (std::int64_t k = 0; k < frame_.n.steps; ++k) {
      const std::int64_t t = frame_.step_at(k);
      multiply(arguments, workspace, scratch, first, t);
      for (std::int64_t i = 0; i < count; ++i) finish(arguments, workspace, scratch, first, i, t);
    }
    const auto store = [&](std::size_t output, const float* state) {
      std::copy_n(state, count * units, arguments.outputs[output].as<float>() + first * units);
    };
    store(results_.states, h);
    if (frame_.columns.cell.states == 2) store(results_.states + 1, c);
  }

  // All columns of a step.
  void multiply(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
                std::int64_t first, std::int64_t t) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t count = frame_.count(first), units = frame_.n.units,
                       inputs = frame_.n.inputs, line = frame_.line;
    float *x = workspace + scratch.x, *z = workspace + scratch.z, *s = workspace + scratch.h;
    const std::int64_t w_columns = frame_.input_columns();
    start(workspace, z, 0, w_columns);
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(frame_.x(arguments, first + i, t), inputs, x + i * inputs);
    if (frame_.attributes.scale) {
      const float* h = s;
      s = workspace + scratch.s;
      multiply_lines(h, frame_.scale(arguments, first), s, count * units);
    }
    multiply_packed({x, inputs, 1, workspace + w_, inputs, z, line, true}, count, w_columns);
    start(workspace, z, w_columns, line);  // the product ends in whole registers
    multiply_packed(
        {s, units, 1, workspace + r_, units, z + columns.first_recurrent * units, line, true},
        count, frame_.recurrent_columns());
    if (!columns.late()) return;
    float* operand = workspace + scratch.operand;
    for (std::int64_t i = 0; i < count; ++i)
      columns.reset_forward({.s = s + i * units,
                             .gate = z + i * line + columns.reset_column * units,
                             .operand = operand + i * units,
                             .units = units});
    multiply_packed({operand, units, 1, workspace + late_, units, z, line, true}, count, units);
  }

  // The bias, in columns [begin, end) of all rows.
  void start(const float* workspace, float* z, std::int64_t begin, std::int64_t end) const {
    for (std::int64_t i = 0; i < frame_.rows; ++i)
      std::copy_n(workspace + bias_ + begin, end - begin, z + i * frame_.line + begin);
  }

  void finish(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
              std::int64_t first, std::int64_t i, std::int64_t t) const {
    const std::int64_t units = frame_.n.units, sequence = first + i;
    float *h = workspace + scratch.h + i * units, *c = workspace + scratch.c + i * units;
    float* y = arguments.outputs[results_.y].as<float>() + (sequence * frame_.n.steps + t) * units;
    float* c_next = workspace + scratch.c_next;
    float* gates = frame_.attributes.keep ? frame_.kept(arguments.outputs[results_.gates], t,
                                                        sequence, frame_.columns.cell.gates * units)
                                          : workspace + scratch.gates;
    frame_.columns.forward({.z = workspace + scratch.z + i * frame_.line,
                            .h = h,
                            .c = c,
                            .h_next = y,
                            .c_next = c_next,
                            .gates = gates,
                            .units = units});
    const bool cells = frame_.columns.cell.states == 2;
    if (frame_.counts(arguments, sequence, t)) {
      std::copy_n(y, units, h);
      if (cells) std::copy_n(c_next, units, c);
    } else {
      std::copy_n(h, units, y);
    }
    if (cells && frame_.attributes.keep)
      std::copy_n(c, units, frame_.kept(arguments.outputs[results_.cells], t, sequence, units));
  }

  RecurrentResults results_;
  std::int64_t w_, r_, late_, bias_;
  std::vector<Scratch> scratch_;
};

// Blocks are shared out over parts, each with sums of its own, whose number depends on the problem
// alone. The rows of some steps are multiplied at once into the sums, which they are deep enough
// for then.
class BackwardKernel final : public RecurrentKernel {
 public:
  BackwardKernel(const Problem& problem, const RecurrentColumns& columns, std::int64_t block)
      : RecurrentKernel(problem, columns, true, block),
        results_(frame_.attributes, columns.cell),
        chunk_(std::clamp<std::int64_t>(kDepth / block, 1,
                                        std::max<std::int64_t>(1, frame_.n.steps))) {
    const std::int64_t units = frame_.n.units;
    w_ = regions_.add(frame_.input_columns() * frame_.inputs_line);
    r_ = regions_.add(frame_.recurrent_columns() * frame_.units_line);
    late_ = regions_.add(columns.late() ? units * frame_.units_line : 0);
    for (std::int64_t part = 0; part < std::min(frame_.blocks(), kParts); ++part)
      sums_.push_back(Sums(*this));
    for (int worker = 0; worker < threads(); ++worker) scratch_.push_back(Scratch(*this));
  }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    pack(arguments, workspace);
    const auto parts = static_cast<std::int64_t>(sums_.size());
    for_each_task(
        parts, static_cast<std::int64_t>(scratch_.size()),
        [&](std::int64_t part, std::int64_t worker) {
          const Sums& sums = sums_[static_cast<std::size_t>(part)];
          sums.clear(workspace);
          const Block block{arguments, workspace, sums, scratch_[static_cast<std::size_t>(worker)]};
          for (std::int64_t b = frame_.blocks() * part / parts;
               b < frame_.blocks() * (part + 1) / parts; ++b)
            run(block, b * frame_.block);
        });
    finish(arguments, workspace);
  }

 private:
  static constexpr std::int64_t kDepth = 64;  ///< rows worth a product
  static constexpr std::int64_t kParts = 16;

  // Transposed: a line a column, by the features or units that multiply it.
  struct Sums {
    explicit Sums(BackwardKernel& kernel) {
      const Frame& f = kernel.frame_;
      const auto add = [&](std::int64_t rows, std::int64_t width) {
        return kernel.regions_.add(micro_kernel().padded_rows(rows) * width);
      };
      w = add(f.input_columns(), f.inputs_line);
      r = add(f.recurrent_columns(), f.units_line);
      late = f.columns.late() ? add(f.n.units, f.units_line) : r;
      b = kernel.regions_.add(f.line);
      end = kernel.regions_.add(0);
    }
    void clear(float* workspace) const { std::fill(workspace + w, workspace + end, 0.0f); }
    std::int64_t w, r, late, b, end;
  };

  struct Scratch {
    explicit Scratch(BackwardKernel& kernel) {
      const Frame& f = kernel.frame_;
      const std::int64_t rows = micro_kernel().padded_rows(kernel.chunk_ * f.block);
      dz = kernel.regions_.add(rows * f.line);
      x = kernel.regions_.add(rows * f.inputs_line);
      s = kernel.regions_.add(rows * f.units_line);
      late = kernel.regions_.add(f.columns.late() ? rows * f.units_line : 0);
      dx = kernel.regions_.add(rows * f.inputs_line);
      for (std::int64_t* product : {&ds, &d_operand})
        *product = kernel.regions_.add(f.rows * f.units_line);
      for (std::int64_t* state : {&dh, &dc, &state_row, &operand_row, &zeros})
        *state = kernel.regions_.add(f.block * f.n.units);
    }
    std::int64_t dz, x, s, late, dx, ds, d_operand, dh, dc, state_row, operand_row, zeros;
  };

  // What a worker works with.
  struct Block {
    const LaunchArguments& arguments;
    float* workspace;
    const Sums& sums;
    const Scratch& scratch;
    float* at(std::int64_t offset) const { return workspace + offset; }
  };

  // Weights transposed: a line a column.
  void pack(const LaunchArguments& arguments, float* workspace) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t units = frame_.n.units, w_columns = frame_.input_columns(),
                       r_columns = frame_.r_columns();
    const float* w = arguments.inputs[frame_.places.w].as<float>();
    const float* r = arguments.inputs[frame_.places.r].as<float>();
    const auto source = [&](const std::array<int, 4>& gates, std::int64_t column) {
      return gates[static_cast<std::size_t>(column / units)] * units + column % units;
    };
    if (frame_.attributes.input_gradient)
      pack_matrix(
          w_columns, frame_.n.inputs,
          [&](std::int64_t column, std::int64_t i) {
            return w[i * w_columns + source(columns.input_gates, column)];
          },
          workspace + w_);
    pack_matrix(
        frame_.recurrent_columns(), units,
        [&](std::int64_t column, std::int64_t i) {
          return r[i * r_columns + source(columns.recurrent_gates, column)];
        },
        workspace + r_);
    if (columns.late())
      pack_matrix(
          units, units,
          [&](std::int64_t column, std::int64_t i) {
            return r[i * r_columns + kLateGate * units + column];
          },
          workspace + late_);
  }

  void run(const Block& block, std::int64_t first) const {
    const std::int64_t count = frame_.count(first), units = frame_.n.units;
    float *dh = block.at(block.scratch.dh), *dc = block.at(block.scratch.dc);
    load_state_gradients(block, first, 0, dh);
    load_state_gradients(block, first, 1, dc);
    std::fill_n(block.at(block.scratch.zeros), count * units, 0.0f);
    for (std::int64_t end = frame_.n.steps; end > 0; end -= chunk_) {
      const std::int64_t begin = std::max<std::int64_t>(0, end - chunk_);
      for (std::int64_t k = end; k-- > begin;) step(block, first, k, k - begin, end - begin);
      add_products(block, (end - begin) * count);
      if (frame_.attributes.input_gradient) store_input_gradient(block, first, begin, end);
    }
    if (!frame_.attributes.initial) return;
    const auto store = [&](std::size_t output, const float* state) {
      std::copy_n(state, count * units,
                  block.arguments.outputs[output].as<float>() + first * units);
    };
    store(results_.initial, dh);
    if (frame_.columns.cell.states == 2) store(results_.initial + 1, dc);
  }

  void load_state_gradients(const Block& block, std::int64_t first, std::int64_t state,
                            float* to) const {
    const std::int64_t floats = frame_.count(first) * frame_.n.units;
    if (frame_.attributes.state_gradients && state < frame_.columns.cell.states)
      std::copy_n(block.arguments.inputs[frame_.places.dstates + static_cast<std::size_t>(state)]
                          .as<float>() +
                      first * frame_.n.units,
                  floats, to);
    else
      std::fill_n(to, floats, 0.0f);
  }

  // Step k of the block, the one with the number `index` of its chunk of `steps`.
  void step(const Block& block, std::int64_t first, std::int64_t k, std::int64_t index,
            std::int64_t steps) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t count = frame_.count(first), units = frame_.n.units, line = frame_.line;
    float* dz = block.at(block.scratch.dz) + index * count * line;
    float *ds = block.at(block.scratch.ds), *dh = block.at(block.scratch.dh);
    for (std::int64_t i = 0; i < count; ++i)
      row(block, first, k, i, dz + i * line, index * count + i, steps * count);
    if (columns.late()) reset(block, first, k, dz, index, steps);
    multiply_packed({dz + columns.first_recurrent * units, line, 1, block.at(r_),
                     frame_.recurrent_columns(), ds, frame_.units_line, columns.late()},
                    count, units);
    for (std::int64_t i = 0; i < count; ++i) {
      float* line_of_ds = ds + i * frame_.units_line;
      if (const float* scale = frame_.scale(block.arguments, first + i); scale != nullptr)
        multiply_lines(line_of_ds, scale, line_of_ds, units);
      add_line(line_of_ds, dh + i * units, units);
    }
  }

  // One sequence of a step up to dz, and its lines of the operands of the sums: row `at` of
  // `depth`.
  void row(const Block& block, std::int64_t first, std::int64_t k, std::int64_t i, float* dz,
           std::int64_t at, std::int64_t depth) const {
    const std::int64_t units = frame_.n.units, sequence = first + i, t = frame_.step_at(k);
    const Scratch& scratch = block.scratch;
    float *dh = block.at(scratch.dh) + i * units, *dc = block.at(scratch.dc) + i * units;
    if (frame_.attributes.sequence_gradient)
      add_line(block.arguments.inputs[frame_.places.dy].as<float>() +
                   (sequence * frame_.n.steps + t) * units,
               dh, units);
    float* s = block.at(scratch.state_row) + i * units;
    if (!frame_.counts(block.arguments, sequence, t)) {
      std::fill_n(dz, frame_.line, 0.0f);
      std::fill_n(s, units, 0.0f);
      pack_line(nullptr, at, depth, frame_.n.inputs, block.at(scratch.x));
      pack_line(nullptr, at, depth, units, block.at(scratch.s));
      return;
    }
    const float* h = state_before(block, first, i, k, 0);
    const bool cells = frame_.columns.cell.states == 2;
    frame_.columns.backward(
        {.gates = frame_.kept(block.arguments.inputs[frame_.places.gates], t, sequence,
                              frame_.columns.cell.gates * units),
         .h = h,
         .c = cells ? state_before(block, first, i, k, 1) : nullptr,
         .c_next =
             cells ? frame_.kept(block.arguments.inputs[frame_.places.cells], t, sequence, units)
                   : nullptr,
         .dh = dh,
         .dc = dc,
         .dz = dz,
         .units = units});
    if (const float* scale = frame_.scale(block.arguments, sequence); scale != nullptr)
      multiply_lines(h, scale, s, units);
    else
      std::copy_n(h, units, s);
    pack_line(frame_.x(block.arguments, sequence, t), at, depth, frame_.n.inputs,
              block.at(scratch.x));
    pack_line(s, at, depth, units, block.at(scratch.s));
  }

  // h or c of row i before step k.
  const float* state_before(const Block& block, std::int64_t first, std::int64_t i, std::int64_t k,
                            std::size_t state) const {
    const std::int64_t units = frame_.n.units, sequence = first + i;
    if (k == 0)
      return frame_.attributes.initial
                 ? block.arguments.inputs[frame_.places.initial + state].as<float>() +
                       sequence * units
                 : block.at(block.scratch.zeros) + i * units;
    const std::int64_t t = frame_.step_at(k - 1);
    if (state == 1)
      return frame_.kept(block.arguments.inputs[frame_.places.cells], t, sequence, units);
    return block.arguments.inputs[frame_.places.y].as<float>() +
           (sequence * frame_.n.steps + t) * units;
  }

  // The reset gate's dz, and what gate n brings to ds. Rows that do not count have a dz of 0.
  void reset(const Block& block, std::int64_t first, std::int64_t k, float* dz, std::int64_t index,
             std::int64_t steps) const {
    const std::int64_t count = frame_.count(first), units = frame_.n.units;
    const Scratch& scratch = block.scratch;
    float *ds = block.at(scratch.ds), *d_operand = block.at(scratch.d_operand);
    multiply_packed(
        {dz, frame_.line, 1, block.at(late_), units, d_operand, frame_.units_line, false}, count,
        units);
    const std::int64_t t = frame_.step_at(k);
    for (std::int64_t i = 0; i < count; ++i) {
      float* operand = block.at(scratch.operand_row) + i * units;
      float* line_of_ds = ds + i * frame_.units_line;
      std::fill_n(line_of_ds, frame_.units_line, 0.0f);
      const bool counts = frame_.counts(block.arguments, first + i, t);
      if (counts)
        frame_.columns.reset_backward(
            {.s = block.at(scratch.state_row) + i * units,
             .gate = frame_.kept(block.arguments.inputs[frame_.places.gates], t, first + i,
                                 frame_.columns.cell.gates * units) +
                     units,
             .operand = operand,
             .d_operand = d_operand + i * frame_.units_line,
             .dr = dz + i * frame_.line + frame_.columns.reset_column * units,
             .ds = line_of_ds,
             .units = units});
      pack_line(counts ? operand : nullptr, index * count + i, steps * count, units,
                block.at(scratch.late));
    }
  }

  // Adds the products of a chunk's rows to the sums.
  void add_products(const Block& block, std::int64_t depth) const {
    const Scratch& scratch = block.scratch;
    const std::int64_t units = frame_.n.units, line = frame_.line;
    const float* dz = block.at(scratch.dz);
    multiply_packed(
        {dz, 1, line, block.at(scratch.x), depth, block.at(block.sums.w), frame_.inputs_line, true},
        frame_.input_columns(), frame_.n.inputs);
    multiply_packed({dz + frame_.columns.first_recurrent * units, 1, line, block.at(scratch.s),
                     depth, block.at(block.sums.r), frame_.units_line, true},
                    frame_.recurrent_columns(), units);
    if (frame_.columns.late())
      multiply_packed({dz, 1, line, block.at(scratch.late), depth, block.at(block.sums.late),
                       frame_.units_line, true},
                      units, units);
    for (std::int64_t i = 0; i < depth; ++i)
      add_line(dz + i * line, block.at(block.sums.b), frame_.columns.count * units);
  }

  void store_input_gradient(const Block& block, std::int64_t first, std::int64_t begin,
                            std::int64_t end) const {
    const std::int64_t count = frame_.count(first), inputs = frame_.n.inputs;
    float* dx = block.at(block.scratch.dx);
    multiply_packed({block.at(block.scratch.dz), frame_.line, 1, block.at(w_),
                     frame_.input_columns(), dx, frame_.inputs_line, false},
                    (end - begin) * count, inputs);
    float* to = block.arguments.outputs[results_.dx].as<float>();
    for (std::int64_t k = begin; k < end; ++k)
      for (std::int64_t i = 0; i < count; ++i)
        std::copy_n(dx + ((k - begin) * count + i) * frame_.inputs_line, inputs,
                    to + ((first + i) * frame_.n.steps + frame_.step_at(k)) * inputs);
  }

  // Adds up the parts. Columns go to the gates that they are of.
  void finish(const LaunchArguments& arguments, const float* workspace) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t units = frame_.n.units;
    const auto total = [&](std::int64_t Sums::*region, std::int64_t element) {
      float sum = 0;
      for (const Sums& sums : sums_) sum += workspace[sums.*region + element];
      return sum;
    };
    const auto gather = [&](std::int64_t Sums::*region, std::int64_t width, std::int64_t column,
                            std::int64_t lines, std::int64_t gate, std::int64_t stride, float* to) {
      parallel_for(lines, 32, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          for (std::int64_t u = 0; u < units; ++u)
            to[i * stride + gate * units + u] = total(region, (column * units + u) * width + i);
      });
    };
    float* dw = arguments.outputs[results_.dw].as<float>();
    float* dr = arguments.outputs[results_.dr].as<float>();
    float* db = arguments.outputs[results_.db].as<float>();
    for (std::int64_t k = 0; k < columns.cell.input_gates; ++k) {
      const std::int64_t gate = columns.input_gates[static_cast<std::size_t>(k)];
      gather(&Sums::w, frame_.inputs_line, k, frame_.n.inputs, gate, frame_.input_columns(), dw);
      for (std::int64_t u = 0; u < units; ++u)
        db[gate * units + u] = total(&Sums::b, k * units + u);
    }
    for (std::int64_t k = 0; k < columns.recurrent_count; ++k) {
      const std::int64_t gate = columns.recurrent_gates[static_cast<std::size_t>(k)];
      gather(&Sums::r, frame_.units_line, k, units, gate, frame_.r_columns(), dr);
      for (std::int64_t u = 0; columns.cell.two_biases && u < units; ++u)
        db[frame_.input_columns() + gate * units + u] =
            total(&Sums::b, (columns.first_recurrent + k) * units + u);
    }
    if (columns.late())
      gather(&Sums::late, frame_.units_line, 0, units, kLateGate, frame_.r_columns(), dr);
  }

  RecurrentGradients results_;
  std::int64_t chunk_;  ///< steps
  std::int64_t w_, r_, late_;
  std::vector<Sums> sums_;
  std::vector<Scratch> scratch_;
};

class FusedRecurrent final : public KernelCandidate {
 public:
  FusedRecurrent(const RecurrentColumns& columns, bool gradient)
      : columns_(columns),
        gradient_(gradient),
        op_(std::string(columns.cell.op) + (gradient ? "_gradient" : "")) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }
  double error_factor(const Problem& problem) const override {
    return recurrent_error_factor(RecurrentExtents::of(problem, columns_.cell));
  }

  // Blocks of so many sequences: the fewer, the more threads; the more, the better the products.
  Support query(const Problem& problem, Device&) const override {
    const std::int64_t sequences = RecurrentExtents::of(problem, columns_.cell).sequences;
    Support support;
    for (std::int64_t block = kLeast; block <= kMost; block *= 2) {
      if (block > kLeast && block / 2 >= sequences) break;
      support.configurations.push_back(
          {fmt::format("sequences={}", block), make(problem, block)->workspace(), true});
    }
    return support;
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    const std::string& name = configuration.name;
    std::int64_t block = kLeast;
    std::from_chars(name.data() + name.find('=') + 1, name.data() + name.size(), block);
    return make(problem, block);
  }

 private:
  static constexpr std::int64_t kLeast = 8, kMost = 64;

  std::unique_ptr<RecurrentKernel> make(const Problem& problem, std::int64_t block) const {
    if (gradient_) return std::make_unique<BackwardKernel>(problem, columns_, block);
    return std::make_unique<ForwardKernel>(problem, columns_, block);
  }

  const RecurrentColumns& columns_;
  bool gradient_;
  std::string op_, backend_ = "cpu", id_ = "cpu.fused";
};

}  // namespace

void add_recurrent(CandidateRegistry& registry, const RecurrentColumns& columns) {
  for (bool gradient : {false, true})
    registry.add(std::make_unique<FusedRecurrent>(columns, gradient));
}

}  // namespace engine::cpu
