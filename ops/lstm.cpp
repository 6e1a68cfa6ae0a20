#include "ops/lstm.h"

#include "kernels/lstm.h"
#include "ops/recurrent.h"

namespace engine::ops {

std::shared_ptr<const graph::Op> lstm(const RecurrentAttributes& attributes) {
  return recurrent(kLstm, attributes);
}
std::shared_ptr<const graph::Op> lstm_gradient(const RecurrentAttributes& attributes) {
  return recurrent_gradient(kLstm, attributes);
}

}  // namespace engine::ops
