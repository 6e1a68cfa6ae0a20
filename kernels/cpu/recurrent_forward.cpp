// Recurrent layers, forwards: see recurrent_blocks.h. What x feeds is multiplied for a few steps of
// all sequences at once, so that a panel of weights serves many rows while it is in the first
// cache.
#include <vector>

#include "kernels/cpu/recurrent_frame.h"

namespace engine::cpu {

ENGINE_SIMD_CLONES
void multiply_lines(const float* x, const float* y, float* product, std::int64_t count) {
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < count; ++i) product[i] = x[i] * y[i];
}

namespace {

class ForwardKernel final : public RecurrentKernel {
 public:
  ForwardKernel(const Problem& problem, const RecurrentColumns& columns, std::int64_t block)
      : RecurrentKernel(problem, columns, false, block), results_(frame_.attributes, columns.cell) {
    const std::int64_t units = frame_.n.units;
    w_ = regions_.add(frame_.n.inputs * micro_kernel().padded_columns(frame_.input_columns()));
    r_ = regions_.add(units * micro_kernel().padded_columns(frame_.recurrent_columns()));
    late_ = regions_.add(columns.late() ? units * micro_kernel().padded_columns(units) : 0);
    bias_ = regions_.add(frame_.line);
    for (int worker = 0; worker < threads(); ++worker) scratch_.push_back(Scratch(*this));
  }

  void launch(const LaunchArguments& arguments) override {
    auto* workspace = static_cast<float*>(arguments.workspace);
    pack(arguments, workspace);
    for_each_task(frame_.blocks(), static_cast<std::int64_t>(scratch_.size()),
                  [&](std::int64_t task, std::int64_t worker) {
                    const FlushDenormals flush;
                    run(arguments, workspace, scratch_[static_cast<std::size_t>(worker)],
                        task * frame_.block);
                  });
  }

 private:
  static constexpr std::int64_t kChunk = 8;  ///< steps

  struct Scratch {
    explicit Scratch(ForwardKernel& kernel) {
      const RecurrentFrame& f = kernel.frame_;
      x = kernel.regions_.add(f.rows * kChunk * f.n.inputs);
      for (std::int64_t* state : {&h, &s, &c, &operand})
        *state = kernel.regions_.add(f.rows * f.n.units);
      z = kernel.regions_.add(f.rows * kChunk * f.line);
      unused = kernel.regions_.add(f.n.units);
      gates = kernel.regions_.add(f.line);
    }
    std::int64_t x, h, s, c, operand, z, unused, gates;
  };

  void pack(const LaunchArguments& arguments, float* workspace) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t units = frame_.n.units, w_columns = frame_.input_columns(),
                       r_columns = frame_.r_columns();
    const float* w = arguments.inputs[frame_.places.w].as<float>();
    const float* r = arguments.inputs[frame_.places.r].as<float>();
    const float* b = arguments.inputs[frame_.places.b].as<float>();
    const auto line_of = [](const float* matrix, std::int64_t row, const auto& source) {
      return [=, &source](std::int64_t i) {
        return [line = matrix + i * row, &source](std::int64_t column) {
          return line[source[static_cast<std::size_t>(column)]];
        };
      };
    };
    pack_matrix(frame_.n.inputs, w_columns, line_of(w, w_columns, frame_.input_sources),
                workspace + w_);
    pack_matrix(units, frame_.recurrent_columns(), line_of(r, r_columns, frame_.recurrent_sources),
                workspace + r_);
    if (columns.late())
      pack_matrix(
          units, units,
          [&](std::int64_t i) {
            const float* line = r + i * r_columns + kLateGate * units;
            return [line](std::int64_t column) { return line[column]; };
          },
          workspace + late_);
    float* bias = workspace + bias_;
    std::fill_n(bias, frame_.line, 0.0f);
    for (std::int64_t k = 0; k < w_columns; ++k)
      bias[k] = b[frame_.input_sources[static_cast<std::size_t>(k)]];
    if (columns.cell.two_biases)
      for (std::int64_t k = 0; k < frame_.recurrent_columns(); ++k)
        bias[columns.first_recurrent * units + k] +=
            b[w_columns + frame_.recurrent_sources[static_cast<std::size_t>(k)]];
  }

  void run(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
           std::int64_t first) const {
    const std::int64_t count = frame_.count(first), units = frame_.n.units;
    float *h = workspace + scratch.h, *c = workspace + scratch.c;
    frame_.load_initial(arguments, first, 0, h);
    frame_.load_initial(arguments, first, 1, c);
    for (std::int64_t begin = 0; begin < frame_.n.steps; begin += kChunk) {
      const std::int64_t steps = std::min(kChunk, frame_.n.steps - begin);
      multiply_input(arguments, workspace, scratch, first, begin, steps);
      for (std::int64_t k = 0; k < steps; ++k) {
        const std::int64_t t = frame_.step_at(begin + k), row = steps * frame_.line;
        float* z = workspace + scratch.z + k * frame_.line;
        multiply_state(arguments, workspace, scratch, first, t, z, row);
        for (std::int64_t i = 0; i < count; ++i)
          finish(arguments, workspace, scratch, first, i, t, z + i * row);
      }
    }
    const auto store = [&](std::size_t output, const float* state) {
      std::copy_n(state, count * units, arguments.outputs[output].as<float>() + first * units);
    };
    store(results_.states, h);
    if (frame_.columns.cell.states == 2) store(results_.states + 1, c);
  }

  // The columns that x feeds, with their biases, of steps [begin, begin + steps): a row of z a
  // step, sequence by sequence.
  void multiply_input(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
                      std::int64_t first, std::int64_t begin, std::int64_t steps) const {
    const std::int64_t count = frame_.count(first), inputs = frame_.n.inputs;
    float* row = workspace + scratch.x;
    for (std::int64_t i = 0; i < count; ++i) {
      if (!frame_.attributes.reverse)
        row = std::copy_n(frame_.x(arguments, first + i, begin), steps * inputs, row);
      for (std::int64_t k = begin; frame_.attributes.reverse && k < begin + steps; ++k)
        row = std::copy_n(frame_.x(arguments, first + i, frame_.step_at(k)), inputs, row);
    }
    multiply_packed({workspace + scratch.x, inputs, 1, workspace + w_, inputs,
                     workspace + scratch.z, frame_.line, false, workspace + bias_},
                    count * steps, frame_.input_columns());
  }

  // Adds to the columns z of a step, rows of which are `row` apart, what the state feeds.
  void multiply_state(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
                      std::int64_t first, std::int64_t t, float* z, std::int64_t row) const {
    const RecurrentColumns& columns = frame_.columns;
    const std::int64_t count = frame_.count(first), units = frame_.n.units;
    float* s = workspace + scratch.h;
    if (frame_.attributes.scale) {
      const float* h = s;
      s = workspace + scratch.s;
      multiply_lines(h, frame_.scale(arguments, first), s, count * units);
    }
    // Those that the state alone feeds start from their biases, also where the product with x,
    // which ends in whole registers, has been.
    const std::int64_t fed = frame_.input_columns(), all = columns.count * units;
    for (std::int64_t i = 0; i < count && fed < all; ++i)
      std::copy_n(workspace + bias_ + fed, all - fed, z + i * row + fed);
    multiply_expecting(
        {s, units, 1, workspace + r_, units, z + columns.first_recurrent * units, row, true}, count,
        frame_.recurrent_columns(), [&](std::int64_t begin, std::int64_t end) {
          expect_results(arguments, first + begin, end - begin, t);
        });
    if (!columns.late()) return;
    float* operand = workspace + scratch.operand;
    for (std::int64_t i = 0; i < count; ++i)
      columns.reset_forward({.s = s + i * units,
                             .gate = z + i * row + columns.reset_column * units,
                             .operand = operand + i * units,
                             .units = units});
    multiply_packed({operand, units, 1, workspace + late_, units, z, row, true}, count, units);
  }

  void expect_results(const LaunchArguments& arguments, std::int64_t first, std::int64_t count,
                      std::int64_t t) const {
    const std::int64_t units = frame_.n.units, gates = frame_.columns.cell.gates * units;
    const auto expect = [&](std::size_t output, std::int64_t width) {
      expect_line<true>(frame_.kept(arguments.outputs[output], t, first, width), count * width);
    };
    if (frame_.attributes.keep) expect(results_.gates, gates);
    if (frame_.attributes.keep && frame_.columns.cell.states == 2) expect(results_.cells, units);
  }

  void finish(const LaunchArguments& arguments, float* workspace, const Scratch& scratch,
              std::int64_t first, std::int64_t i, std::int64_t t, const float* z) const {
    const std::int64_t units = frame_.n.units, sequence = first + i;
    float *h = workspace + scratch.h + i * units, *c = workspace + scratch.c + i * units;
    float* y = arguments.outputs[results_.y].as<float>() + (sequence * frame_.n.steps + t) * units;
    float* cell = frame_.attributes.keep && frame_.columns.cell.states == 2
                      ? frame_.kept(arguments.outputs[results_.cells], t, sequence, units)
                      : c;
    float* gates = frame_.attributes.keep ? frame_.kept(arguments.outputs[results_.gates], t,
                                                        sequence, frame_.columns.cell.gates * units)
                                          : workspace + scratch.gates;
    const ForwardRow row{.z = z,
                         .h = h,
                         .c = c,
                         .h_next = h,
                         .c_next = c,
                         .y = y,
                         .cell = cell,
                         .gates = gates,
                         .units = units};
    if (frame_.counts(arguments, sequence, t)) {
      frame_.columns.forward(row);
      return;
    }
    // States stay as they are; gates are results even so, as in the reference.
    ForwardRow gates_alone = row;
    for (float* ForwardRow::*state :
         {&ForwardRow::h_next, &ForwardRow::c_next, &ForwardRow::y, &ForwardRow::cell})
      gates_alone.*state = workspace + scratch.unused;
    frame_.columns.forward(gates_alone);
    std::copy_n(h, units, y);
    if (cell != c) std::copy_n(c, units, cell);
  }

  RecurrentResults results_;
  std::int64_t w_, r_, late_, bias_;
  std::vector<Scratch> scratch_;
};

}  // namespace

std::unique_ptr<RecurrentKernel> make_recurrent_forward(const Problem& problem,
                                                        const RecurrentColumns& columns,
                                                        std::int64_t block) {
  return std::make_unique<ForwardKernel>(problem, columns, block);
}

}  // namespace engine::cpu
