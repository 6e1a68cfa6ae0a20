// Reference of batch_guard: the shared definition.
#include "kernels/batch_guard.h"

#include "engine/tune/registry.h"

namespace engine {
namespace {

void batch_guard_reference(const Problem& problem, std::span<const ReferenceTensor> inputs,
                           std::span<ReferenceTensor> outputs) {
  outputs[0].values[0] = batch_guard(BatchGuardAttributes::from(problem.attributes),
                                     static_cast<std::int64_t>(inputs[0].values[0]));
}

}  // namespace

void register_batch_guard_reference(ReferenceRegistry& registry) {
  registry.add("batch_guard", batch_guard_reference);
}

}  // namespace engine
