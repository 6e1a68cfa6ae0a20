#include "kernels/lstm.h"

#include "kernels/cudnn/rnn_candidate.h"

namespace engine {

void register_lstm_cudnn(CandidateRegistry& registry) {
  cuda::add_cudnn_rnn(registry, kLstm);
}

}  // namespace engine
