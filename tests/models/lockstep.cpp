#include "tests/models/lockstep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/op.h"

namespace engine::test {
namespace {

// Rounding may differ by this factor between two kernels that are each within the default bound
// of 8.
constexpr double kBound = 16;

using HostBytes = std::vector<std::byte>;

// One device with the compiled training program and its own copy of the state.
struct Side {
  Side(const ModelDefinition& model, const Feed& feed, const std::string& device,
       const std::string& candidates, DType activations, const Dataset& dataset)
      : runtime(options(device, candidates)) {
    GraphOptions graph_options;
    graph_options.seed = 1;
    graph_options.keep_gradients = true;
    graph_options.activations = activations;
    StepGraph step = training_graph(model, feed, graph_options);
    parameters = step.parameters;
    program = runtime.add(std::move(step.graph));
    runtime.allocate();
    upload_dataset(dataset, Part::train, runtime);
  }

  static RuntimeOptions options(const std::string& device, const std::string& candidates) {
    RuntimeOptions options;
    options.device = device;
    options.tuner.candidates = candidates;
    options.tuner.mode = Autotune::off;
    return options;
  }

  HostBytes download(const TensorView& view) {
    HostBytes bytes(view.type.bytes());
    if (!bytes.empty()) runtime.stream().copy_to_host(bytes.data(), view.data, bytes.size());
    runtime.stream().synchronize();
    return bytes;
  }
  void upload(const TensorView& view, const HostBytes& bytes) {
    if (!bytes.empty()) runtime.stream().copy_to_device(view.data, bytes.data(), bytes.size());
    runtime.stream().synchronize();
  }
  graph::Executor& executor() { return runtime.executor(program); }

  Runtime runtime;
  std::vector<Parameter> parameters;
  std::size_t program = 0;
};

class Lockstep {
 public:
  Lockstep(const ModelDefinition& model, const std::string& data, const std::string& other,
           const std::string& candidates, std::int64_t batch, DType activations)
      : dataset_(open_dataset(data, {model.network.input(), model.classes, model.text})),
        cpu_(model, feed(batch), "cpu", "", activations, *dataset_),
        other_(model, feed(batch), other, candidates, activations, *dataset_) {
    initialize_parameters(cpu_.parameters, 1, cpu_.runtime);
  }

  void run(int steps) {
    for (report.steps = 0; report.steps < steps && report.first_failure.empty(); ++report.steps) {
      copy_state();
      if (report.steps % 5 == 0) compare_whole_step();
      const std::size_t launches = cpu_.executor().program().steps.size();
      for (std::size_t i = 0; i < launches; ++i) compare_launch(i);
    }
  }

  LockstepReport report;

 private:
  Feed feed(std::int64_t batch) const {
    return make_feed(*dataset_, Part::train, batch, true, true);
  }

  void copy_state() {
    for (const graph::State& state : cpu_.runtime.store().states())
      if (state.role != graph::StateRole::data)
        other_.upload(other_.runtime.store().view(state.name),
                      cpu_.download(cpu_.runtime.store().view(state.name)));
  }

  // The expected outputs of a launch from its operands: magnitudes from the reference, values of
  // the CPU where they differ within rounding.
  void compare_launch(std::size_t i) {
    const graph::Step& step = cpu_.executor().program().steps[i];
    const auto inputs = cpu_.executor().inputs(i);
    std::vector<ReferenceTensor> operands;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const HostBytes bytes = cpu_.download(inputs[k]);
      other_.upload(other_.executor().inputs(i)[k], bytes);
      if (step.kernel != nullptr) operands.push_back(widen(inputs[k].type, bytes.data()));
    }
    cpu_.executor().launch(i, cpu_.runtime.stream());
    other_.executor().launch(i, other_.runtime.stream());
    if (step.kernel == nullptr) return;
    std::vector<ReferenceTensor> expected =
        evaluate_reference(graph::make_problem(*step.node), operands);
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const TensorView ours = cpu_.executor().outputs(i)[k];
      expected[k].values = widen(ours.type, cpu_.download(ours).data()).values;
      const HostBytes theirs = other_.download(other_.executor().outputs(i)[k]);
      note(step, k, compare(ours.type, theirs.data(), expected[k]));
    }
    report.ops[step.node->op().name()].candidate = other_.executor().program().steps[i].candidate;
  }

  void note(const graph::Step& step, std::size_t output, const Comparison& comparison) {
    LockstepReport::Op& op = report.ops[step.node->op().name()];
    ++op.runs;
    op.worst = std::max(op.worst, comparison.worst);
    if (comparison.worst > kBound && report.first_failure.empty())
      report.first_failure = fmt::format(
          "step {}: {} ({}), output {}: element {} is {}, on the CPU {} ({} times eps * magnitude)",
          report.steps, step.node->label(), step.node->op().name(), output, comparison.at,
          comparison.got, comparison.expected, comparison.worst);
  }

  // Both devices run the whole step from the same state; the CPU's state is put back after.
  void compare_whole_step() {
    std::map<std::string, HostBytes> before;
    for (const graph::State& state : cpu_.runtime.store().states())
      if (state.role != graph::StateRole::data)
        before[state.name] = cpu_.download(cpu_.runtime.store().view(state.name));
    cpu_.executor().run(cpu_.runtime.stream());
    other_.executor().run(other_.runtime.stream());
    for (const graph::State& state : cpu_.runtime.store().states())
      if (state.name.starts_with("gradient/"))
        report.worst_whole_step = std::max(report.worst_whole_step, difference(state.name));
    for (const auto& [name, bytes] : before) {
      cpu_.upload(cpu_.runtime.store().view(name), bytes);
      other_.upload(other_.runtime.store().view(name), bytes);
    }
  }

  double difference(const std::string& state) {
    const TensorView ours = cpu_.runtime.store().view(state);
    const auto a = widen(ours.type, cpu_.download(ours).data()).values;
    const auto b =
        widen(ours.type, other_.download(other_.runtime.store().view(state)).data()).values;
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      largest = std::max(largest, std::abs(a[i]));
      worst = std::max(worst, std::abs(a[i] - b[i]));
    }
    return largest > 0 ? worst / largest : worst;
  }

  std::unique_ptr<Dataset> dataset_;
  Side cpu_, other_;
};

}  // namespace

std::string LockstepReport::to_string() const {
  std::string text =
      fmt::format("lockstep: {} steps, whole-step difference {:.2g}\n", steps, worst_whole_step);
  for (const auto& [name, op] : ops)
    text += fmt::format("  {:32} {:6} outputs, worst {:.3g} eps * magnitude (bound {})\n", name,
                        op.runs, op.worst, kBound);
  return first_failure.empty() ? text : text + "  " + first_failure + "\n";
}

LockstepReport run_lockstep(const ModelDefinition& model, const std::string& data,
                            const std::string& other, const std::string& candidates,
                            std::int64_t batch, int steps, DType activations) {
  Lockstep lockstep(model, data, other, candidates, batch, activations);
  lockstep.run(steps);
  return lockstep.report;
}

}  // namespace engine::test
