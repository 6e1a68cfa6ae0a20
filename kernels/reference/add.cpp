// Reference of add.
#include "kernels/add.h"

#include <cmath>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void add(const Problem&, std::span<const ReferenceTensor> inputs,
         std::span<ReferenceTensor> outputs) {
  const auto& a = inputs[0].values;
  const auto& b = inputs[1].values;
  for (std::size_t i = 0; i < a.size(); ++i) {
    outputs[0].values[i] = a[i] + b[i];
    outputs[0].magnitudes.push_back(std::abs(a[i]) + std::abs(b[i]));
  }
}

}  // namespace

void register_add_reference(ReferenceRegistry& registry) {
  registry.add("add", add);
}

}  // namespace engine
