#include "kernels/gru.h"

#include "kernels/onednn/recurrent_primitives.h"

namespace engine {

void register_gru_onednn(CandidateRegistry& registry) {
  onednn::add_recurrent(registry, kGru);
  onednn::add_recurrent(registry, kGruResetAfter);
}

}  // namespace engine
