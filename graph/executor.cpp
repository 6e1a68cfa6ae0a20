#include "graph/executor.h"

#include <cmath>

#include "engine/core/error.h"
#include "engine/tune/reference.h"
#include "graph/op.h"

namespace engine::graph {
namespace {

// Steps of a program in one captured graph: enough to hide its launch, few enough to instantiate
// fast.
constexpr int kStepsPerReplay = 16;

void count_not_finite(const ReferenceTensor& tensor, NotFinite& found) {
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    if (std::isfinite(tensor.values[i]) || found.bad++ > 0) continue;
    found.first = static_cast<std::int64_t>(i);
    found.value = tensor.values[i];
  }
}

}  // namespace

Executor::Executor(const Program& program, StateStore& store, std::byte* arena)
    : program_(program), store_(store) {
  const auto locate = [&](const TensorType& type, const Placement& place) -> TensorView {
    if (place.state == nullptr) return {type, arena + place.offset};
    return {type, store.view(*place.state).data};
  };
  for (const Step& step : program.steps) {
    Bound bound;
    for (std::size_t i = 0; i < step.inputs.size(); ++i)
      bound.inputs.push_back(locate(step.input_types[i], step.inputs[i]));
    for (std::size_t i = 0; i < step.outputs.size(); ++i)
      bound.outputs.push_back(locate(step.output_types[i], step.outputs[i]));
    if (step.workspace_bytes > 0) bound.workspace = arena + step.workspace_offset;
    bound_.push_back(std::move(bound));
  }
}

void Executor::launch(std::size_t index, Stream& stream) {
  const Step& step = program_.steps.at(index);
  const Bound& bound = bound_[index];
  if (step.kernel != nullptr)
    step.kernel->launch({bound.inputs, bound.outputs, bound.workspace, stream});
  else
    stream.copy_on_device(bound.outputs[0].data, bound.inputs[0].data,
                          bound.outputs[0].type.bytes());
}

void Executor::launch_all(Stream& stream) {
  for (std::size_t i = 0; i < bound_.size(); ++i) launch(i, stream);
}

void Executor::run(Stream& stream, int times) {
  // The first execution is never captured: libraries load their kernels lazily at first launch.
  if (!launched_ && times > 0) {
    launch_all(stream);
    launched_ = true;
    --times;
  }
  while (times > 0) {
    const int batch = times >= kStepsPerReplay ? kStepsPerReplay : 1;
    std::unique_ptr<Replay>& replay = batch == 1 ? one_ : several_;
    if (can_capture_ && replay == nullptr) {
      replay = store_.device().capture(stream, [&] {
        for (int i = 0; i < batch; ++i) launch_all(stream);
      });
      can_capture_ = replay != nullptr;
    }
    if (can_capture_)
      replay->launch(stream);
    else
      for (int i = 0; i < batch; ++i) launch_all(stream);
    times -= batch;
  }
}

std::optional<NotFinite> Executor::find_not_finite(Stream& stream) {
  std::optional<NotFinite> first;
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    launch(i, stream);
    for (const TensorView& output : bound_[i].outputs) {
      if (first || !is_floating(output.type.dtype)) continue;
      std::vector<std::byte> bytes(output.type.bytes());
      stream.copy_to_host(bytes.data(), output.data, bytes.size());
      stream.synchronize();
      const Node& node = *program_.steps[i].node;
      NotFinite found{node.label(), node.op().name(), output.type.element_count(), 0, -1, 0};
      count_not_finite(widen(output.type, bytes.data()), found);
      if (found.bad > 0) first = found;
    }
  }
  return first;
}

}  // namespace engine::graph
