// Recurrent layers, backwards: see recurrent_blocks.h. Blocks are shared out over parts, each with
// sums of its own, whose number depends on the problem alone. The rows of some steps are multiplied
// at once into the sums, which they are deep enough for then.
#include <vector>

#include "kernels/cpu/recurrent_frame.h"

namespace engine::cpu {
namespace {

// Of a few registers, for which a call into the C library would take longer.
ENGINE_SIMD_CLONES
void copy_line(const float* from, float* to, std::int64_t count) {
  for_each_lane(
      count, [=](std::int64_t i) __attribute__((always_inline)) { to[i] = from[i]; });
}

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

class BackwardKernel final : public RecurrentKernel {
 public:
  BackwardKernel(const Problem& problem, const RecurrentColumns& columns, std::int64_t block)
      : RecurrentKernel(problem, columns, true, block),
        results_(frame_.attributes, columns.cell),
        chunk_(std::clamp<std::int64_t>(kDepth / block, 1,
                                        std::max<std::int64_t>(1, frame_.n.steps))) {
    const std::int64_t units = frame_.n.units, inputs = frame_.n.inputs;
    const MicroKernel& kernel = micro_kernel();
    const bool one_range =
        columns.first_recurrent == 0 && columns.cell.input_gates == columns.recurrent_count;
    const auto sum = [&](std::int64_t rows, std::int64_t first_column, std::int64_t count) {
      const SumRows added{operand_line_, sum_rows_, rows, first_column * units, count * units};
      operand_line_ += rows;
      sum_rows_ += kernel.padded_rows(rows);
      sum_products_.push_back(added);
      return added.row;
    };
    // Rows of s come first. Where the columns are the same, those of x are of the same product, and
    // one is padded, not two.
    sum(one_range ? units + inputs : units, columns.first_recurrent, columns.recurrent_count);
    x_row_ = one_range ? units : sum(inputs, 0, columns.cell.input_gates);
    late_row_ = columns.late() ? sum(units, 0, 1) : 0;
    operand_line_ = odd_lines(operand_line_);

    one_gradient_ = one_range && frame_.attributes.input_gradient &&
                    kernel.padded_columns(units + inputs) <
                        kernel.padded_columns(units) + kernel.padded_columns(inputs);
    state_line_ = kernel.padded_columns(one_gradient_ ? units + inputs : units);
    inputs_line_ = kernel.padded_columns(inputs);
    w_ = regions_.add(one_gradient_ ? 0 : frame_.input_columns() * inputs_line_);
    r_ = regions_.add(frame_.recurrent_columns() * state_line_);
    late_ = regions_.add(columns.late() ? units * state_line_ : 0);
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

  // A product of the sums: of so many columns of the operands from `operand` on, which are rows of
  // the sums from `row` on, and columns of dz.
  struct SumRows {
    std::int64_t operand, row, rows, column, columns;
  };

  struct Sums {
    explicit Sums(BackwardKernel& kernel)
        : rows(kernel.regions_.add(kernel.sum_rows_ * kernel.frame_.line)),
          b(kernel.regions_.add(kernel.frame_.line)),
          end(kernel.regions_.add(0)) {}
    void clear(float* workspace) const { std::fill(workspace + rows, workspace + end, 0.0f); }
    std::int64_t rows, b, end;
  };

  struct Scratch {
    explicit Scratch(BackwardKernel& kernel) {
      const RecurrentFrame& f = kernel.frame_;
      // Tiles read rows, of a product or of its transpose, that are not there.
      const std::int64_t more = micro_kernel().padded_rows(1);
      const std::int64_t rows = kernel.chunk_ * f.block + more;
      dz = kernel.regions_.add(rows * f.line);
      operands = kernel.regions_.add(rows * kernel.operand_line_);
      dx = kernel.regions_.add(kernel.one_gradient_ ? 0 : rows * kernel.inputs_line_);
      for (std::int64_t* lines : {&dh, &dc, &d_operand})
        *lines = kernel.regions_.add(f.rows * kernel.state_line_);
      ds = f.attributes.scale ? kernel.regions_.add(f.rows * kernel.state_line_) : dh;
      zeros = kernel.regions_.add(f.block * f.n.units);
    }
    std::int64_t dz;
    std::int64_t operands;  ///< s, x and what a late gate multiplies, of each row of dz
    std::int64_t dx;
    std::int64_t dh, dc;  ///< lines of state_line_
    std::int64_t ds;      ///< what r brings, where it is not for dh itself
    std::int64_t d_operand, zeros;
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
    const auto column_of_w = [&](std::int64_t k) {
      return column_of(w, w_columns, frame_.input_sources[static_cast<std::size_t>(k)]);
    };
    const auto column_of_r = [&](std::int64_t k) {
      return column_of(r, r_columns, frame_.recurrent_sources[static_cast<std::size_t>(k)]);
    };
    if (one_gradient_)
      pack_matrix(
          w_columns, units + frame_.n.inputs,
          [&](std::int64_t k) {
            return [of_r = column_of_r(k), of_w = column_of_w(k), units](std::int64_t i) {
              return i < units ? of_r(i) : of_w(i - units);
            };
          },
          workspace + r_);
    else
      pack_matrix(frame_.recurrent_columns(), units, column_of_r, workspace + r_);
    if (frame_.attributes.input_gradient && !one_gradient_)
      pack_matrix(w_columns, frame_.n.inputs, column_of_w, workspace + w_);
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
      for (std::int64_t k = end; k-- > begin;) step(block, first, k, k - begin);
      add_sums(block, (end - begin) * count);
      if (frame_.attributes.input_gradient && !one_gradient_)
        store_input_gradient(block, first, begin, end);
    }
    if (!frame_.attributes.initial) return;
    const auto store = [&](std::size_t output, const float* state) {
      float* to = block.arguments.outputs[output].as<float>() + first * units;
      for (std::int64_t i = 0; i < count; ++i)
        std::copy_n(state + i * state_line_, units, to + i * units);
    };
    store(results_.initial, dh);
    if (frame_.columns.cell.states == 2) store(results_.initial + 1, dc);
  }

  void load_state_gradients(const Block& block, std::int64_t first, std::int64_t state,
                            float* to) const {
    const std::int64_t units = frame_.n.units;
    std::fill_n(to, frame_.rows * state_line_, 0.0f);
    if (!frame_.attributes.state_gradients || state >= frame_.columns.cell.states) return;
    const float* from =
        block.arguments.inputs[frame_.places.dstates + static_cast<std::size_t>(state)]
            .as<float>() +
        first * units;
    for (std::int64_t i = 0; i < frame_.count(first); ++i)
      std::copy_n(from + i * units, units, to + i * state_line_);
  }

  // Step k of the block, the one with the number `index` of its chunk.
  void step(const Block& block, std::int64_t first, std::int64_t k, std::int64_t index) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t count = frame_.count(first), units = frame_.n.units, line = frame_.line;
    float* dz = block.at(block.scratch.dz) + index * count * line;
    float* operands = block.at(block.scratch.operands) + index * count * operand_line_;
    float *ds = block.at(block.scratch.ds), *dh = block.at(block.scratch.dh);
    for (std::int64_t i = 0; i < count; ++i)
      row(block, first, k, i, dz + i * line, operands + i * operand_line_);
    if (columns.late()) reset(block, first, k, dz, operands);
    multiply_expecting({dz + columns.first_recurrent * units, line, 1, block.at(r_),
                        frame_.recurrent_columns(), ds, state_line_, ds == dh || columns.late()},
                       count, one_gradient_ ? units + frame_.n.inputs : units,
                       [&](std::int64_t begin, std::int64_t end) {
                         if (k > 0) expect_operands(block, first, begin, end, k - 1);
                       });
    for (std::int64_t i = 0; ds != dh && i < count; ++i)
      add_products(ds + i * state_line_, frame_.scale(block.arguments, first + i),
                   dh + i * state_line_, units);
    for (std::int64_t i = 0; one_gradient_ && i < count; ++i)
      copy_line(ds + i * state_line_ + units, input_gradient(block, first + i, k), frame_.n.inputs);
  }

  // What row() will read at step k.
  void expect_operands(const Block& block, std::int64_t first, std::int64_t begin, std::int64_t end,
                       std::int64_t k) const {
    const std::int64_t units = frame_.n.units, t = frame_.step_at(k);
    const auto& inputs = block.arguments.inputs;
    const std::int64_t gates = frame_.columns.cell.gates * units;
    expect_line(frame_.kept(inputs[frame_.places.gates], t, first + begin, gates),
                (end - begin) * gates);
    for (std::int64_t i = begin; i < end; ++i) {
      expect_line(frame_.x(block.arguments, first + i, t), frame_.n.inputs);
      if (frame_.attributes.sequence_gradient)
        expect_line(
            inputs[frame_.places.dy].as<float>() + ((first + i) * frame_.n.steps + t) * units,
            units);
      expect_line(state_before(block, first, i, k, 0), units);
      if (frame_.columns.cell.states == 2) expect_line(state_before(block, first, i, k, 1), units);
    }
  }

  // One sequence of a step up to dz, and its operands of the sums.
  void row(const Block& block, std::int64_t first, std::int64_t k, std::int64_t i, float* dz,
           float* operands) const {
    const std::int64_t units = frame_.n.units, inputs = frame_.n.inputs, sequence = first + i,
                       t = frame_.step_at(k);
    const Scratch& scratch = block.scratch;
    float* dh = block.at(scratch.dh) + i * state_line_;
    float* dc = block.at(scratch.dc) + i * state_line_;
    if (frame_.attributes.sequence_gradient)
      add_line(block.arguments.inputs[frame_.places.dy].as<float>() +
                   (sequence * frame_.n.steps + t) * units,
               dh, units);
    if (one_gradient_) std::fill(dh + units, dh + state_line_, 0.0f);
    if (!frame_.counts(block.arguments, sequence, t)) {
      std::fill_n(dz, frame_.line, 0.0f);
      std::fill_n(operands, operand_line_, 0.0f);
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
      multiply_lines(h, scale, operands, units);
    else
      copy_line(h, operands, units);
    copy_line(frame_.x(block.arguments, sequence, t), operands + units, inputs);
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

  float* input_gradient(const Block& block, std::int64_t sequence, std::int64_t k) const {
    return block.arguments.outputs[results_.dx].as<float>() +
           (sequence * frame_.n.steps + frame_.step_at(k)) * frame_.n.inputs;
  }

  // The reset gate's dz, and what gate n brings to ds. Rows that do not count have a dz of 0.
  void reset(const Block& block, std::int64_t first, std::int64_t k, float* dz,
             float* operands) const {
    const std::int64_t count = frame_.count(first), units = frame_.n.units;
    const Scratch& scratch = block.scratch;
    float *ds = block.at(scratch.ds), *d_operand = block.at(scratch.d_operand);
    multiply_packed({dz, frame_.line, 1, block.at(late_), units, d_operand, state_line_, false},
                    count, units);
    const std::int64_t t = frame_.step_at(k);
    for (std::int64_t i = 0; i < count; ++i) {
      float* line_of_ds = ds + i * state_line_;
      if (frame_.attributes.scale) std::fill_n(line_of_ds, state_line_, 0.0f);
      if (!frame_.counts(block.arguments, first + i, t)) continue;
      float* s = operands + i * operand_line_;
      frame_.columns.reset_backward(
          {.s = s,
           .gate = frame_.kept(block.arguments.inputs[frame_.places.gates], t, first + i,
                               frame_.columns.cell.gates * units) +
                   units,
           .operand = s + units + frame_.n.inputs,
           .d_operand = d_operand + i * state_line_,
           .dr = dz + i * frame_.line + frame_.columns.reset_column * units,
           .ds = line_of_ds,
           .units = units});
    }
  }

  // Adds the products of a chunk's rows to the sums.
  void add_sums(const Block& block, std::int64_t depth) const {
    const std::int64_t line = frame_.line;
    const float* dz = block.at(block.scratch.dz);
    for (const SumRows& sum : sum_products_)
      multiply_packed({.a = block.at(block.scratch.operands) + sum.operand,
                       .a_row = 1,
                       .a_depth = operand_line_,
                       .b = dz + sum.column,
                       .depth = depth,
                       .c = block.at(block.sums.rows) + sum.row * line + sum.column,
                       .c_row = line,
                       .add = true,
                       .b_row = line},
                      sum.rows, sum.columns);
    for (std::int64_t i = 0; i < depth; ++i)
      add_line(dz + i * line, block.at(block.sums.b), frame_.columns.count * frame_.n.units);
  }

  void store_input_gradient(const Block& block, std::int64_t first, std::int64_t begin,
                            std::int64_t end) const {
    const std::int64_t count = frame_.count(first), inputs = frame_.n.inputs;
    float* dx = block.at(block.scratch.dx);
    multiply_packed({block.at(block.scratch.dz), frame_.line, 1, block.at(w_),
                     frame_.input_columns(), dx, inputs_line_, false},
                    (end - begin) * count, inputs);
    for (std::int64_t k = begin; k < end; ++k)
      for (std::int64_t i = 0; i < count; ++i)
        copy_line(dx + ((k - begin) * count + i) * inputs_line_,
                  input_gradient(block, first + i, k), inputs);
  }

  // Adds up the parts. Columns go to the gates that they are of.
  void finish(const LaunchArguments& arguments, const float* workspace) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t units = frame_.n.units;
    const std::int64_t line = frame_.line;
    // Columns of rows of the sums that belong to a gate.
    const auto gather = [&](std::int64_t first, std::int64_t rows, std::int64_t column,
                            std::int64_t gate, std::int64_t stride, float* to) {
      parallel_for(rows, 32, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          float* result = to + i * stride + gate * units;
          std::fill_n(result, units, 0.0f);
          for (const Sums& sums : sums_)
            add_line(workspace + sums.rows + (first + i) * line + column * units, result, units);
        }
      });
    };
    const auto gather_bias = [&](std::int64_t column, float* to) {
      std::fill_n(to, units, 0.0f);
      for (const Sums& sums : sums_) add_line(workspace + sums.b + column * units, to, units);
    };
    float* dw = arguments.outputs[results_.dw].as<float>();
    float* dr = arguments.outputs[results_.dr].as<float>();
    float* db = arguments.outputs[results_.db].as<float>();
    for (std::int64_t k = 0; k < columns.cell.input_gates; ++k) {
      const std::int64_t gate = columns.input_gates[static_cast<std::size_t>(k)];
      gather(x_row_, frame_.n.inputs, k, gate, frame_.input_columns(), dw);
      gather_bias(k, db + gate * units);
    }
    for (std::int64_t k = 0; k < columns.recurrent_count; ++k) {
      const std::int64_t gate = columns.recurrent_gates[static_cast<std::size_t>(k)];
      gather(0, units, columns.first_recurrent + k, gate, frame_.r_columns(), dr);
      if (columns.cell.two_biases)
        gather_bias(columns.first_recurrent + k, db + frame_.input_columns() + gate * units);
    }
    if (columns.late()) gather(late_row_, units, 0, kLateGate, frame_.r_columns(), dr);
  }

  RecurrentGradients results_;
  std::int64_t chunk_;  ///< steps
  std::vector<SumRows> sum_products_;
  std::int64_t x_row_, late_row_;  ///< of the sums
  std::int64_t sum_rows_ = 0;
  std::int64_t operand_line_ = 0, state_line_, inputs_line_;
  bool one_gradient_;  ///< of states and inputs: dz by [r'|w'], at every step
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
