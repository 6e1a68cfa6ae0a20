// References of relu and relu_gradient.
#include "kernels/relu.h"

#include "engine/tune/registry.h"

namespace engine {
namespace {

void relu(const Problem&, std::span<const ReferenceTensor> inputs,
          std::span<ReferenceTensor> outputs) {
  const auto& x = inputs[0].values;
  // Written so that NaN, of which no comparison holds, passes through.
  for (std::size_t i = 0; i < x.size(); ++i) outputs[0].values[i] = x[i] <= 0 ? 0 : x[i];
}

void relu_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                   std::span<ReferenceTensor> outputs) {
  const double scale = static_cast<float>(problem.attributes.real("scale"));
  const auto& dy = inputs[0].values;
  const auto& y = inputs[1].values;
  for (std::size_t i = 0; i < dy.size(); ++i) outputs[0].values[i] = y[i] > 0 ? dy[i] * scale : 0;
}

}  // namespace

void register_relu_reference(ReferenceRegistry& registry) {
  registry.add("relu", relu);
  registry.add("relu_gradient", relu_gradient);
}

}  // namespace engine
