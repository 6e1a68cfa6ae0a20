// Reference of moving_average.
#include "kernels/moving_average.h"

#include "engine/tune/registry.h"
#include "kernels/reference/multi_tensor.h"

namespace engine {

void register_moving_average_reference(ReferenceRegistry& registry) {
  registry.add("moving_average", multi_tensor_reference<MovingAverage>);
}

}  // namespace engine
