// Recurrent layers, backwards: see recurrent_blocks.h. Blocks are shared out over parts, each with
// sums of its own, whose number depends on the problem alone. The rows of some steps are multiplied
// at once into the sums, which they are deep enough for then.
#include <vector>

#include "kernels/cpu/recurrent_frame.h"

namespace engine::cpu {
namespace {

ENGINE_SIMD_CLONES
void add_line(const float* x, float* sums, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) sums[i] += x[i];
}

// sums += x ∘ y
ENGINE_SIMD_CLONES
void add_products(const float* x, const float* y, float* sums, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) sums[i] += x[i] * y[i];
}

ENGINE_SIMD_CLONES
void add_multiple(const float* x, float factor, float* sums, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) sums[i] += factor * x[i];
}

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
          const FlushDenormals flush;
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
  static constexpr std::int64_t kDepth = 128;  ///< rows worth a product
  static constexpr std::int64_t kParts = 16;
  static constexpr std::int64_t kFewInputs = 4;

  // Transposed: a line a column, by the features or units that multiply it. Of few features a line
  // each, by columns.
  struct Sums {
    explicit Sums(BackwardKernel& kernel) {
      const RecurrentFrame& f = kernel.frame_;
      const auto add = [&](std::int64_t rows, std::int64_t width) {
        return kernel.regions_.add(micro_kernel().padded_rows(rows) * width);
      };
      w = kernel.few_inputs() ? kernel.regions_.add(f.n.inputs * f.line)
                              : add(f.input_columns(), f.inputs_line);
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
      const RecurrentFrame& f = kernel.frame_;
      const std::int64_t rows = micro_kernel().padded_rows(kernel.chunk_ * f.block);
      dz = kernel.regions_.add(rows * f.line);
      x = kernel.regions_.add(rows * f.inputs_line);
      s = kernel.regions_.add(rows * f.units_line);
      late = kernel.regions_.add(f.columns.late() ? rows * f.units_line : 0);
      dx = kernel.regions_.add(rows * f.inputs_line);
      for (std::int64_t* lines : {&dh, &dc, &d_operand})
        *lines = kernel.regions_.add(f.rows * f.units_line);
      ds = f.attributes.scale ? kernel.regions_.add(f.rows * f.units_line) : dh;
      for (std::int64_t* state : {&state_row, &operand_row, &zeros})
        *state = kernel.regions_.add(f.block * f.n.units);
    }
    std::int64_t dz, x, s, late, dx;
    std::int64_t dh, dc;  ///< lines of units_line
    std::int64_t ds;      ///< what r brings, where it is not for dh itself
    std::int64_t d_operand, state_row, operand_row, zeros;
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
    // Column `column` of the product is line `source` of the transposed matrix.
    const auto column_of = [](const float* matrix, std::int64_t row, std::int64_t source) {
      return [column = matrix + source, row](std::int64_t i) { return column[i * row]; };
    };
    if (frame_.attributes.input_gradient)
      pack_matrix(
          w_columns, frame_.n.inputs,
          [&](std::int64_t k) {
            return column_of(w, w_columns, frame_.input_sources[static_cast<std::size_t>(k)]);
          },
          workspace + w_);
    pack_matrix(
        frame_.recurrent_columns(), units,
        [&](std::int64_t k) {
          return column_of(r, r_columns, frame_.recurrent_sources[static_cast<std::size_t>(k)]);
        },
        workspace + r_);
    if (columns.late())
      pack_matrix(
          units, units,
          [&](std::int64_t k) { return column_of(r, r_columns, kLateGate * units + k); },
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
      add_sums(block, (end - begin) * count);
      if (frame_.attributes.input_gradient) store_input_gradient(block, first, begin, end);
    }
    if (!frame_.attributes.initial) return;
    const auto store = [&](std::size_t output, const float* state) {
      float* to = block.arguments.outputs[output].as<float>() + first * units;
      for (std::int64_t i = 0; i < count; ++i)
        std::copy_n(state + i * frame_.units_line, units, to + i * units);
    };
    store(results_.initial, dh);
    if (frame_.columns.cell.states == 2) store(results_.initial + 1, dc);
  }

  void load_state_gradients(const Block& block, std::int64_t first, std::int64_t state,
                            float* to) const {
    const std::int64_t units = frame_.n.units;
    std::fill_n(to, frame_.rows * frame_.units_line, 0.0f);
    if (!frame_.attributes.state_gradients || state >= frame_.columns.cell.states) return;
    const float* from =
        block.arguments.inputs[frame_.places.dstates + static_cast<std::size_t>(state)]
            .as<float>() +
        first * units;
    for (std::int64_t i = 0; i < frame_.count(first); ++i)
      std::copy_n(from + i * units, units, to + i * frame_.units_line);
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
    if (k > 0) expect_operands(block, first, k - 1);
    if (columns.late()) reset(block, first, k, dz, index, steps);
    multiply_packed({dz + columns.first_recurrent * units, line, 1, block.at(r_),
                     frame_.recurrent_columns(), ds, frame_.units_line, ds == dh || columns.late()},
                    count, units);
    for (std::int64_t i = 0; ds != dh && i < count; ++i)
      add_products(ds + i * frame_.units_line, frame_.scale(block.arguments, first + i),
                   dh + i * frame_.units_line, units);
  }

  // What row() will read at step k.
  void expect_operands(const Block& block, std::int64_t first, std::int64_t k) const {
    const std::int64_t count = frame_.count(first), units = frame_.n.units, t = frame_.step_at(k);
    const auto& inputs = block.arguments.inputs;
    const std::int64_t gates = frame_.columns.cell.gates * units;
    expect_line(frame_.kept(inputs[frame_.places.gates], t, first, gates), count * gates);
    for (std::int64_t i = 0; i < count; ++i) {
      expect_line(frame_.x(block.arguments, first + i, t), frame_.n.inputs);
      if (frame_.attributes.sequence_gradient)
        expect_line(
            inputs[frame_.places.dy].as<float>() + ((first + i) * frame_.n.steps + t) * units,
            units);
      expect_line(state_before(block, first, i, k, 0), units);
      if (frame_.columns.cell.states == 2) expect_line(state_before(block, first, i, k, 1), units);
    }
  }

  // One sequence of a step up to dz, and its lines of the operands of the sums: row `at` of
  // `depth`.
  void row(const Block& block, std::int64_t first, std::int64_t k, std::int64_t i, float* dz,
           std::int64_t at, std::int64_t depth) const {
    const std::int64_t units = frame_.n.units, sequence = first + i, t = frame_.step_at(k);
    const Scratch& scratch = block.scratch;
    float* dh = block.at(scratch.dh) + i * frame_.units_line;
    float* dc = block.at(scratch.dc) + i * frame_.units_line;
    if (frame_.attributes.sequence_gradient)
      add_line(block.arguments.inputs[frame_.places.dy].as<float>() +
                   (sequence * frame_.n.steps + t) * units,
               dh, units);
    float* s = block.at(scratch.state_row) + i * units;
    if (!frame_.counts(block.arguments, sequence, t)) {
      std::fill_n(dz, frame_.line, 0.0f);
      std::fill_n(s, units, 0.0f);
      put_input(block, nullptr, at, depth);
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
    const float* scale = frame_.scale(block.arguments, sequence);
    if (scale != nullptr)
      multiply_lines(h, scale, s, units);
    else if (frame_.columns.late())
      std::copy_n(h, units, s);
    put_input(block, frame_.x(block.arguments, sequence, t), at, depth);
    pack_line(scale != nullptr ? s : h, at, depth, units, block.at(scratch.s));
  }

  // A line of x, or zeros, where add_sums() looks for it.
  void put_input(const Block& block, const float* line, std::int64_t at, std::int64_t depth) const {
    const std::int64_t inputs = frame_.n.inputs;
    float* x = block.at(block.scratch.x);
    if (!few_inputs())
      pack_line(line, at, depth, inputs, x);
    else if (line != nullptr)
      std::copy_n(line, inputs, x + at * inputs);
    else
      std::fill_n(x + at * inputs, inputs, 0.0f);
  }

  // A register of a product's columns would hold mostly zeros.
  bool few_inputs() const { return frame_.n.inputs <= kFewInputs; }

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
      if (frame_.attributes.scale) std::fill_n(line_of_ds, frame_.units_line, 0.0f);
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
  void add_sums(const Block& block, std::int64_t depth) const {
    const Scratch& scratch = block.scratch;
    const std::int64_t units = frame_.n.units, line = frame_.line;
    const float* dz = block.at(scratch.dz);
    if (!few_inputs())
      multiply_packed({dz, 1, line, block.at(scratch.x), depth, block.at(block.sums.w),
                       frame_.inputs_line, true},
                      frame_.input_columns(), frame_.n.inputs);
    for (std::int64_t i = 0; few_inputs() && i < depth; ++i)
      for (std::int64_t input = 0; input < frame_.n.inputs; ++input)
        add_multiple(dz + i * line, block.at(scratch.x)[i * frame_.n.inputs + input],
                     block.at(block.sums.w) + input * line, frame_.input_columns());
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
    // A gate's columns of a result: where(line, unit) is its element of a region.
    const auto gather = [&](std::int64_t Sums::*region, std::int64_t lines, std::int64_t gate,
                            std::int64_t stride, float* to, const auto& where) {
      parallel_for(lines, 32, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          for (std::int64_t u = 0; u < units; ++u)
            to[i * stride + gate * units + u] = total(region, where(i, u));
      });
    };
    const auto by_column = [&](std::int64_t column, std::int64_t width) {
      return [=](std::int64_t i, std::int64_t u) { return (column * units + u) * width + i; };
    };
    const auto by_line = [&](std::int64_t column) {
      return [=, line = frame_.line](std::int64_t i, std::int64_t u) {
        return i * line + column * units + u;
      };
    };
    float* dw = arguments.outputs[results_.dw].as<float>();
    float* dr = arguments.outputs[results_.dr].as<float>();
    float* db = arguments.outputs[results_.db].as<float>();
    for (std::int64_t k = 0; k < columns.cell.input_gates; ++k) {
      const std::int64_t gate = columns.input_gates[static_cast<std::size_t>(k)];
      if (few_inputs())
        gather(&Sums::w, frame_.n.inputs, gate, frame_.input_columns(), dw, by_line(k));
      else
        gather(&Sums::w, frame_.n.inputs, gate, frame_.input_columns(), dw,
               by_column(k, frame_.inputs_line));
      for (std::int64_t u = 0; u < units; ++u)
        db[gate * units + u] = total(&Sums::b, k * units + u);
    }
    for (std::int64_t k = 0; k < columns.recurrent_count; ++k) {
      const std::int64_t gate = columns.recurrent_gates[static_cast<std::size_t>(k)];
      gather(&Sums::r, units, gate, frame_.r_columns(), dr, by_column(k, frame_.units_line));
      for (std::int64_t u = 0; columns.cell.two_biases && u < units; ++u)
        db[frame_.input_columns() + gate * units + u] =
            total(&Sums::b, (columns.first_recurrent + k) * units + u);
    }
    if (columns.late())
      gather(&Sums::late, units, kLateGate, frame_.r_columns(), dr,
             by_column(0, frame_.units_line));
  }

  RecurrentGradients results_;
  std::int64_t chunk_;  ///< steps
  std::int64_t w_, r_, late_;
  std::vector<Sums> sums_;
  std::vector<Scratch> scratch_;
};

}  // namespace

std::unique_ptr<RecurrentKernel> make_recurrent_backward(const Problem& problem,
                                                         const RecurrentColumns& columns,
                                                         std::int64_t block) {
  return std::make_unique<BackwardKernel>(problem, columns, block);
}

}  // namespace engine::cpu
