// softsign, an activation that the library does not have: y = x / (1 + |x|), and its gradient
// dx = dy · (1 - |y|)².
#pragma once

#include <engine.h>

namespace example {

/// The op, for use as engine::Network::add(std::make_shared<SoftsignLayer>("softsign_1")).
class SoftsignLayer final : public engine::Layer {
 public:
  using Layer::Layer;
  std::string description() const override { return "softsign"; }
  engine::graph::Value* build(engine::Builder& builder, engine::graph::Value* x) const override;
};

/// Registers reference and CPU kernels; and, where it was built, the CUDA kernels.
void register_softsign();
void register_softsign_cuda(engine::CandidateRegistry& registry);

}  // namespace example
