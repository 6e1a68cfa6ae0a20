// What all products by oneDNN have in common as candidates: a chain of primitives built for a
// problem, whose weights (or images) are in the engine's own layout or in one of oneDNN's choice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/tune/candidate.h"
#include "kernels/onednn/chain.h"

namespace engine::onednn {

/// The configuration whose operands keep the engine's layout.
inline const std::string kPlain = "plain";

/// For operands of f32 or, with ".bf16" behind its id, for those of bf16.
class ChainCandidate : public KernelCandidate {
 public:
  ChainCandidate(std::string op, const std::string& id, bool bf16)
      : op_(std::move(op)), id_(bf16 ? id + ".bf16" : id), bf16_(bf16) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 2; }

  Support query(const Problem& problem, Device& device) const override;
  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override;

 protected:
  bool bf16() const { return bf16_; }
  /// Why a problem of the right type is refused, or "".
  virtual std::string refuse(const Problem& problem) const = 0;
  /// The names of the configurations to try, at least one.
  virtual std::vector<std::string> layouts() const = 0;
  /// Throws dnnl::error where oneDNN has no implementation.
  virtual Chain build(const Problem& problem, bool plain) const = 0;
  virtual std::unique_ptr<Kernel> make(const Problem& problem, Chain chain) const = 0;

 private:
  std::string op_;
  std::string backend_ = "cpu";
  std::string id_;
  bool bf16_;
};

}  // namespace engine::onednn
