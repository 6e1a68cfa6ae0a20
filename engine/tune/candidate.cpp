#include "engine/tune/candidate.h"

namespace engine {
namespace {

class LaunchKernel final : public Kernel {
 public:
  explicit LaunchKernel(SimpleCandidate::Launch launch) : launch_(std::move(launch)) {}
  void launch(const LaunchArguments& arguments) override { launch_(arguments); }

 private:
  SimpleCandidate::Launch launch_;
};

class Adapter final : public KernelCandidate {
 public:
  explicit Adapter(SimpleCandidate description) : description_(std::move(description)) {}
  const std::string& op() const override { return description_.op; }
  const std::string& backend() const override { return description_.backend; }
  const std::string& id() const override { return description_.id; }
  int version() const override { return description_.version; }
  double error_factor(const Problem& problem) const override {
    return stored_error_factor(problem, description_.error_factor);
  }

  Support query(const Problem& problem, Device&) const override {
    if (description_.refuse)
      if (std::string why = description_.refuse(problem); !why.empty()) return Support::refuse(why);
    return {{{"", description_.workspace ? description_.workspace(problem) : 0, true}}, ""};
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration&,
                                  Device&) const override {
    return std::make_unique<LaunchKernel>(description_.prepare(problem));
  }

 private:
  SimpleCandidate description_;
};

}  // namespace

double stored_error_factor(const Problem& problem, double factor, double roundings) {
  const bool narrow = problem.outputs.at(0).dtype == DType::bf16;
  return narrow ? 0.5 * roundings + factor * 0x1p-16 : factor;
}

std::unique_ptr<KernelCandidate> make_candidate(SimpleCandidate description) {
  return std::make_unique<Adapter>(std::move(description));
}

}  // namespace engine
