#include "tests/engine/fake_candidate.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "tests/engine/clocked_device.h"

namespace engine {
namespace {

void add_one_reference(const Problem&, std::span<const ReferenceTensor> inputs,
                       std::span<ReferenceTensor> outputs) {
  for (std::size_t i = 0; i < outputs[0].values.size(); ++i)
    outputs[0].values[i] = inputs[0].values[i] + 1;
}

ReferenceElement add_one_element(const Problem&, std::span<const ReferenceTensor> inputs,
                                 std::size_t, std::size_t element) {
  const double value = inputs[0].values[element] + 1;
  return {value, std::abs(value)};
}

void add_twice_reference(const Problem&, std::span<const ReferenceTensor> inputs,
                         std::span<ReferenceTensor> outputs) {
  for (std::size_t i = 0; i < outputs[0].values.size(); ++i)
    outputs[0].values[i] = inputs[0].values[i] + inputs[1].values[i];
}

void derive_twice(const Problem&, std::span<ReferenceTensor> inputs) {
  for (std::size_t i = 0; i < inputs[0].values.size(); ++i)
    inputs[1].values[i] = 2 * inputs[0].values[i];
}

class FakeKernel final : public Kernel {
 public:
  FakeKernel(const Fake& fake, int& launches) : fake_(fake), launches_(launches) {}
  void launch(const LaunchArguments& arguments) override {
    ++launches_;
    ClockedDevice::advance(fake_.microseconds);
    fake_.launch ? fake_.launch(arguments) : add_one(arguments);
  }

 private:
  const Fake& fake_;
  int& launches_;
};

class FakeCandidate final : public KernelCandidate {
 public:
  FakeCandidate(Fake fake, int& launches) : fake_(std::move(fake)), launches_(launches) {}
  const std::string& op() const override { return fake_.op; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return fake_.id; }
  int version() const override { return fake_.version; }
  Support query(const Problem&, Device&) const override {
    if (!fake_.refusal.empty()) return Support::refuse(fake_.refusal);
    return {fake_.configurations, ""};
  }
  std::unique_ptr<Kernel> prepare(const Problem&, const Configuration&, Device&) const override {
    if (fake_.prepare) fake_.prepare();
    return std::make_unique<FakeKernel>(fake_, launches_);
  }

 private:
  const Fake fake_;
  const std::string backend_ = "cpu";
  int& launches_;
};

}  // namespace

void register_fake_reference() {
  auto& references = ReferenceRegistry::global();
  if (references.has(kFakeOp)) return;
  references.add(kFakeOp, add_one_reference);
  references.add(kSampledOp, add_one_element);
  references.add(kDerivedOp, add_twice_reference, nullptr, derive_twice);
}

Problem fake_problem(std::int64_t count, DType dtype) {
  const TensorType type{{count}, dtype};
  Problem problem;
  problem.op = kFakeOp;
  problem.inputs = {type};
  problem.outputs = {type};
  return problem;
}

void FakeField::add(Fake fake) {
  int& launches = launches_[fake.id];
  registry_.add(std::make_unique<FakeCandidate>(std::move(fake), launches));
}

int FakeField::launches(const std::string& id) const {
  return launches_.at(id);
}

void add_one(const LaunchArguments& arguments) {
  const TensorView& x = arguments.inputs[0];
  const TensorView& y = arguments.outputs[0];
  visit_dtype(y.type.dtype, "add_one", [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < y.type.element_count(); ++i)
      y.as<T>()[i] = static_cast<T>(x.as<T>()[i] + 1);
  });
}

const CandidateResult& result_of(const TuningRecord& record, const std::string& id) {
  for (const CandidateResult& result : record.results)
    if (result.candidate == id) return result;
  throw std::out_of_range("no result of " + id);
}

}  // namespace engine
