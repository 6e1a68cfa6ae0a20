#include "kernels/cudnn/rnn_candidate.h"

#include "engine/core/error.h"
#include "kernels/cudnn/rnn_kernels.h"

namespace engine::cuda {
namespace {

struct RnnAlgorithm {
  cudnnRNNAlgo_t number;
  const char* name;

  // The library says so of the last one when it is launched, and not before.
  bool takes(const RecurrentExtents& n, bool gradient) const {
    if (number != CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H) return true;
    return gradient ? n.units % 32 == 0 && n.units <= 128 : n.units <= 192;
  }
};
constexpr RnnAlgorithm kAlgorithms[] = {
    {CUDNN_RNN_ALGO_STANDARD, "standard"},
    {CUDNN_RNN_ALGO_PERSIST_STATIC, "persist_static"},
    {CUDNN_RNN_ALGO_PERSIST_DYNAMIC, "persist_dynamic"},
    {CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, "persist_static_small_h"}};

class RnnCandidate final : public KernelCandidate {
 public:
  RnnCandidate(const RecurrentCell& cell, bool gradient)
      : cell_(cell),
        gradient_(gradient),
        op_(std::string(cell.op) + (gradient ? "_gradient" : "")) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 1; }

  // A gradient's gates err by the bound of the layer. TF32 rounds operands to 10 bits of fraction.
  double error_factor(const Problem& problem) const override {
    return (gradient_ ? 2 : 1) * recurrent_error_factor(RecurrentExtents::of(problem, cell_)) +
           (problem.math == Math::tf32 ? 2.0 * 8192 : 0.0);
  }

  // The library documents its products here as not the same on every run.
  Support query(const Problem& problem, Device& device) const override {
    Support support;
    support.refusal = refuse(problem);
    if (!support.refusal.empty()) return support;
    for (const Choice& choice : choices(problem))
      if (const auto kernel = make(problem, choice, device); kernel != nullptr)
        support.configurations.push_back({choice.name, kernel->workspace(), false});
    if (support.configurations.empty()) support.refusal = "cuDNN has nothing for this problem";
    return support;
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device& device) const override {
    for (const Choice& choice : choices(problem)) {
      if (choice.name != configuration.name) continue;
      if (auto kernel = make(problem, choice, device); kernel != nullptr) return kernel;
    }
    throw UsageError(op_ + ": " + id_ + " has no configuration '" + configuration.name + "'");
  }

 private:
  struct Choice {
    cudnnRNNAlgo_t algorithm;
    cudnnMathType_t math;
    std::string name;
  };

  std::string refuse(const Problem& problem) const {
    if (const std::string why = cudnn_refusal(); !why.empty()) return "no cuDNN: " + why;
    const auto attributes = RecurrentAttributes::from(problem.attributes);
    const RecurrentExtents n = RecurrentExtents::of(problem, cell_);
    if (attributes.keep) return "keeps what its gradient reads in a format of its own";
    if (attributes.mask) return "takes no mask";
    if (attributes.scale) return "does not scale the state";
    if (n.sequences * n.steps * n.inputs == 0) return "wants elements";
    for (const auto* types : {&problem.inputs, &problem.outputs})
      for (const TensorType& type : *types)
        if (type.element_count() > INT32_MAX / 2) return "a tensor of more than 2^30 elements";
    return "";
  }

  // FMA_MATH is the only one that forbids TF32. Where it is allowed, plain f32 may still win.
  std::vector<Choice> choices(const Problem& problem) const {
    const RecurrentExtents n = RecurrentExtents::of(problem, cell_);
    std::vector<Choice> result;
    for (const RnnAlgorithm& algorithm : kAlgorithms) {
      if (!algorithm.takes(n, gradient_)) continue;
      const std::string name = algorithm.name;
      result.push_back({algorithm.number, CUDNN_FMA_MATH, name + ".fma"});
      if (problem.math == Math::tf32)
        result.push_back({algorithm.number, CUDNN_DEFAULT_MATH, name + ".tf32"});
    }
    return result;
  }

  std::unique_ptr<RnnKernel> make(const Problem& problem, const Choice& choice,
                                  Device& device) const {
    CudnnHandle& handle = CudnnHandle::of(device);
    auto rnn = std::make_unique<LibraryRnn>(RecurrentExtents::of(problem, cell_), cell_, gradient_);
    if (!rnn->prepare(handle.get(), choice.algorithm, choice.math)) return nullptr;
    return make_rnn_kernel(problem, cell_, handle, std::move(rnn));
  }

  const RecurrentCell& cell_;
  bool gradient_;
  std::string op_, backend_ = "cuda", id_ = "cudnn.rnn";
};

}  // namespace

void add_cudnn_rnn(CandidateRegistry& registry, const RecurrentCell& cell) {
  for (bool gradient : {false, true}) registry.add(std::make_unique<RnnCandidate>(cell, gradient));
}

}  // namespace engine::cuda
