// cuDNN has the reset gate after the product alone.
#include "kernels/gru.h"

#include "kernels/cudnn/rnn_candidate.h"

namespace engine {

void register_gru_cudnn(CandidateRegistry& registry) {
  cuda::add_cudnn_rnn(registry, kGruResetAfter);
}

}  // namespace engine
