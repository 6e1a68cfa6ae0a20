#include "engine/tune/registry.h"

#include <fmt/format.h>

#include "engine/core/error.h"

namespace engine {

CandidateRegistry& CandidateRegistry::global() {
  static CandidateRegistry registry;
  return registry;
}

void CandidateRegistry::add(std::unique_ptr<KernelCandidate> candidate) {
  auto& list = by_op_[{candidate->op(), candidate->backend()}];
  for (const auto& present : list)
    if (present->id() == candidate->id())
      throw UsageError(fmt::format("candidate '{}' of op '{}' on '{}' is registered twice",
                                   candidate->id(), candidate->op(), candidate->backend()));
  list.push_back(std::move(candidate));
}

std::vector<const KernelCandidate*> CandidateRegistry::find(const std::string& op,
                                                            const std::string& backend) const {
  std::vector<const KernelCandidate*> found;
  if (auto entry = by_op_.find({op, backend}); entry != by_op_.end())
    for (const auto& candidate : entry->second) found.push_back(candidate.get());
  return found;
}

ReferenceRegistry& ReferenceRegistry::global() {
  static ReferenceRegistry registry;
  return registry;
}

void ReferenceRegistry::add(const std::string& op, AnyReference reference, InputRanges ranges,
                            DerivedInputs derived) {
  if (!by_op_.emplace(op, Entry{reference, ranges, derived}).second)
    throw UsageError("a reference for op '" + op + "' is registered twice");
}

InputRange ReferenceRegistry::input_range(const Problem& problem, std::size_t input) const {
  const auto found = by_op_.find(problem.op);
  if (found == by_op_.end() || found->second.ranges == nullptr) return {};
  return found->second.ranges(problem, input);
}

DerivedInputs ReferenceRegistry::derived_inputs(const std::string& op) const {
  const auto found = by_op_.find(op);
  return found == by_op_.end() ? nullptr : found->second.derived;
}

AnyReference ReferenceRegistry::find(const std::string& op) const {
  auto found = by_op_.find(op);
  ENGINE_CHECK(found != by_op_.end(), "no reference for op '" + op + "'");
  return found->second.reference;
}

std::vector<std::string> ReferenceRegistry::ops() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : by_op_) names.push_back(name);
  return names;
}

}  // namespace engine
