// How fast every candidate is at the convolutions of a network on the CPU: of cifar10-vgg's layers,
// or one given by its numbers, each in all three directions, timed in turn.
//
//   engine-convolution-speed [threads] [layout] [batch inputs outputs extent]
#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "engine/tune/timing.h"
#include "graph/op.h"
#include "ops/convolution.h"
#include "ops/registry.h"

namespace {

using namespace engine;

struct Layer {
  std::int64_t batch, inputs, outputs, extent;

  double operations() const {
    return 18.0 * static_cast<double>(batch * inputs * outputs * extent * extent);
  }
};

// Memory of a problem's operands, filled with small numbers.
class Operands {
 public:
  Operands(const Problem& problem, Device& device) {
    add(problem.inputs, inputs, device);
    add(problem.outputs, outputs, device);
  }
  std::vector<TensorView> inputs, outputs;

 private:
  void add(const std::vector<TensorType>& types, std::vector<TensorView>& views, Device& device) {
    for (const TensorType& type : types) {
      buffers_.push_back(std::make_unique<Buffer>(device, type.bytes()));
      views.push_back({type, buffers_.back()->data()});
      auto* values = views.back().as<float>();
      for (std::int64_t i = 0; i < type.element_count(); ++i)
        values[i] = static_cast<float>(i % 17) * 0.01f - 0.08f;
    }
  }
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

struct Contestant {
  std::string name;
  std::unique_ptr<Kernel> kernel;
  std::unique_ptr<Buffer> workspace;
};

std::vector<Contestant> contestants(const Problem& problem, Device& device) {
  std::vector<Contestant> found;
  for (const KernelCandidate* candidate :
       CandidateRegistry::global().find(problem.op, device.backend()))
    for (const Configuration& configuration : candidate->query(problem, device).configurations)
      found.push_back({fmt::format("{} {}", candidate->id(), configuration.name),
                       candidate->prepare(problem, configuration, device),
                       std::make_unique<Buffer>(device, configuration.workspace)});
  return found;
}

void measure(const Problem& problem, double operations, Device& device) {
  const auto stream = device.make_stream();
  const Operands operands(problem, device);
  const std::vector<Contestant> all = contestants(problem, device);
  std::vector<std::function<void()>> bodies;
  for (const Contestant& one : all)
    bodies.push_back([&] {
      one.kernel->launch({operands.inputs, operands.outputs, one.workspace->data(), *stream});
    });
  const std::vector<Timing> timings = time_in_turns(device, *stream, bodies);
  fmt::print("  {}\n", problem.op);
  for (std::size_t i = 0; i < all.size(); ++i)
    fmt::print("    {:<32} {:9.3f} ms +- {:6.3f} {:7.1f} GFLOP/s\n", all[i].name,
               timings[i].microseconds / 1e3, timings[i].spread / 1e3,
               operations / timings[i].microseconds / 1e3);
}

void measure(const Layer& layer, Layout layout, Device& device) {
  WindowAttributes window;
  window.padding_before = window.padding_after = {0, 1, 1};
  const TensorType x{{layer.batch, layer.inputs, layer.extent, layer.extent}, DType::f32, layout};
  const TensorType y{{layer.batch, layer.outputs, layer.extent, layer.extent}, DType::f32, layout};
  const TensorType w{{layer.outputs, layer.inputs, 3, 3}, DType::f32};
  fmt::print("{} of {} channels to {}, {} x {}, {}\n", layer.batch, layer.inputs, layer.outputs,
             layer.extent, layer.extent, layout_name(layout));
  const auto run = [&](const auto& op, std::vector<TensorType> types) {
    measure(graph::make_problem(*op, types), layer.operations(), device);
  };
  run(ops::convolution({window, 1, {}}), {x, w, {{layer.outputs}, DType::f32}});
  run(ops::convolution_input_gradient(window, 1, {1, layer.extent, layer.extent}), {y, w});
  run(ops::convolution_weight_gradient(window, 1, {1, 3, 3}), {x, y});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    initialize();
    const auto device = open_device("cpu", argc > 1 ? std::atoi(argv[1]) : 0);
    const Layout layout = argc > 2 ? layout_from_name(argv[2]) : Layout::channels_last;
    std::vector<Layer> layers{
        {64, 3, 50, 32}, {64, 50, 50, 32}, {64, 50, 100, 16}, {64, 100, 100, 16}};
    if (argc > 6)
      layers = {{std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5]), std::atoi(argv[6])}};
    for (const Layer& layer : layers) measure(layer, layout, *device);
    return 0;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "engine-convolution-speed: {}\n", failure.what());
    return 1;
  }
}
