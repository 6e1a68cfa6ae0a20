// The candidates of recurrent layers.
#include "kernels/cuda/recurrent.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"
#include "engine/device/cuda/cuda_device.h"
#include "kernels/cuda/recurrent_chain.h"

namespace engine::cuda {
namespace {

int largest_shared_memory(const Device& device) {
  int bytes = 0;
  ENGINE_CUDA_CHECK(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                           static_cast<const CudaDevice&>(device).index()));
  return bytes;
}

class RecurrentCandidate final : public KernelCandidate {
 public:
  RecurrentCandidate(const RecurrentKernels& kernels, bool gradient, bool persistent, bool library)
      : kernels_(kernels),
        gradient_(gradient),
        persistent_(persistent),
        products_(library ? "cublaslt" : "cuda.tiled"),
        op_(std::string(kernels.cell.op) + (gradient ? "_gradient" : "")),
        id_(std::string(library ? "cublaslt." : "cuda.") + (persistent ? "persistent" : "steps")) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }

  // TF32 rounds operands of the library's products to 10 bits of fraction, as in dense.
  double error_factor(const Problem& problem) const override {
    const bool tf32 = products_ == "cublaslt" && problem.math == Math::tf32;
    return recurrent_error_factor(RecurrentExtents::of(problem, kernels_.cell)) +
           (tf32 ? 2.0 * 8192 : 0.0);
  }

  Support query(const Problem& problem, Device& device) const override {
    const RecurrentExtents n = RecurrentExtents::of(problem, kernels_.cell);
    constexpr std::int64_t kMost = INT32_MAX - 1024;  // as of products
    if (std::max({n.sequences * n.steps, n.inputs, kernels_.columns() * n.units}) > kMost)
      return Support::refuse("an extent does not fit 32 bits");
    Support support;
    for (const PersistentChain* chain : chains(n)) {
      support.refusal = chain == nullptr ? "" : refusal(*chain, n, device);
      if (!support.refusal.empty()) break;
      const auto kernel = make(problem, chain, device);
      support.refusal = kernel->refusal();
      if (!support.refusal.empty()) break;
      support.configurations.push_back({name(chain), kernel->workspace(), true});
    }
    if (!support.configurations.empty()) support.refusal.clear();
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override {
    for (const PersistentChain* chain : chains(RecurrentExtents::of(problem, kernels_.cell))) {
      if (name(chain) != configuration.name) continue;
      if (chain != nullptr) {  // up to all there is: the kernel serves layers of other sizes too
        const auto most = static_cast<std::size_t>(largest_shared_memory(device));
        (gradient_ ? chain->backward.allow_shared_bytes : chain->forward.allow_shared_bytes)(most);
      }
      return make(problem, chain, device);
    }
    throw UsageError(op_ + ": " + id_ + " has no configuration '" + configuration.name + "'");
  }

 private:
  static std::string name(const PersistentChain* chain) {
    return chain == nullptr ? "" : fmt::format("sequences={}", chain->group);
  }

  // Groups of more sequences than there are help nobody.
  std::vector<const PersistentChain*> chains(const RecurrentExtents& n) const {
    if (!persistent_) return {nullptr};
    std::vector<const PersistentChain*> result;
    for (const PersistentChain& chain : kernels_.persistent)
      if (result.empty() || result.back()->group < n.sequences) result.push_back(&chain);
    return result;
  }

  std::string refusal(const PersistentChain& chain, const RecurrentExtents& n,
                      const Device& device) const {
    const auto units = static_cast<int>(n.units);
    const int threads = kernels_.persistent_threads(units);
    if (threads == 0 || threads > kMostThreads)
      return fmt::format("{} columns of r, in whole warps, want 1 to {} threads, not {}",
                         kernels_.columns() * n.units, kMostThreads, threads);
    const std::size_t bytes =
        (gradient_ ? chain.backward.shared_bytes : chain.forward.shared_bytes)(units);
    const int most = largest_shared_memory(device);
    if (bytes <= static_cast<std::size_t>(most)) return "";
    return fmt::format("wants {} bytes of shared memory, of which a block has {}", bytes, most);
  }

  std::unique_ptr<RecurrentChain> make(const Problem& problem, const PersistentChain* chain,
                                       Device& device) const {
    const ChainChoice choice{products_, chain};
    return gradient_ ? make_backward_chain(problem, kernels_, choice, device)
                     : make_forward_chain(problem, kernels_, choice, device);
  }

  const RecurrentKernels& kernels_;
  bool gradient_, persistent_;
  std::string products_, op_, backend_ = "cuda", id_;
};

}  // namespace

void add_recurrent(CandidateRegistry& registry, const RecurrentKernels& kernels) {
  for (bool library : {false, true})
    for (bool persistent : {false, true})
      for (bool gradient : {false, true})
        registry.add(std::make_unique<RecurrentCandidate>(kernels, gradient, persistent, library));
}

}  // namespace engine::cuda
