#include "kernels/lstm.h"

#include "kernels/onednn/recurrent_primitives.h"

namespace engine {

void register_lstm_onednn(CandidateRegistry& registry) {
  onednn::add_recurrent(registry, kLstm);
}

}  // namespace engine
