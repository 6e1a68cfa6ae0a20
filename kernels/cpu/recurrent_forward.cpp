// Recurrent layers, forwards: see recurrent_blocks.h.
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
    late_ = regions_.add(columns.late() ? units * frame_.units_line : 0);
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
  struct Scratch {
    explicit Scratch(ForwardKernel& kernel) {
      const RecurrentFrame& f = kernel.frame_;
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
    pack_matrix(
        frame_.n.inputs, w_columns,
        [&](std::int64_t i, std::int64_t column) {
          return w[i * w_columns + frame_.source(columns.input_gates, column)];
        },
        workspace + w_);
    pack_matrix(
        units, frame_.recurrent_columns(),
        [&](std::int64_t i, std::int64_t column) {
          return r[i * r_columns + frame_.source(columns.recurrent_gates, column)];
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
    for (std::int64_t k = 0; k < w_columns; ++k) bias[k] = b[frame_.source(columns.input_gates, k)];
    if (columns.cell.two_biases)
      for (std::int64_t k = 0; k < frame_.recurrent_columns(); ++k)
        bias[columns.first_recurrent * units + k] +=
            b[w_columns + frame_.source(columns.recurrent_gates, k)];
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

}  // namespace

std::unique_ptr<RecurrentKernel> make_recurrent_forward(const Problem& problem,
                                                        const RecurrentColumns& columns,
                                                        std::int64_t block) {
  return std::make_unique<ForwardKernel>(problem, columns, block);
}

}  // namespace engine::cpu
