#include "ops/gru.h"

#include "kernels/gru.h"
#include "ops/recurrent.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> gru(bool reset_after, const RecurrentAttributes& attributes) {
  return recurrent(reset_after ? kGruResetAfter : kGru, attributes);
}
std::shared_ptr<const graph::Op> gru_gradient(bool reset_after,
                                              const RecurrentAttributes& attributes) {
  return recurrent_gradient(reset_after ? kGruResetAfter : kGru, attributes);
}

}  // namespace engine::ops
