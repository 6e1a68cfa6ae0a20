// Where candidates and references are found. Filled by explicit calls that the build generates from
// its list of ops (static initializers vanish from static libraries), by plug-ins when they load,
// and by applications that bring ops of their own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tune/candidate.h"
#include "engine/tune/reference.h"

namespace engine {

class CandidateRegistry {
 public:
  /// The registry that the engine itself uses.
  static CandidateRegistry& global();

  /// Throws UsageError when the id is taken for that op and back end.
  void add(std::unique_ptr<KernelCandidate> candidate);
  void add(SimpleCandidate description) { add(make_candidate(std::move(description))); }
  /// Candidates of `op` on `backend`, in the order of registration.
  std::vector<const KernelCandidate*> find(const std::string& op, const std::string& backend) const;

 private:
  std::map<std::pair<std::string, std::string>, std::vector<std::unique_ptr<KernelCandidate>>>
      by_op_;
};

class ReferenceRegistry {
 public:
  static ReferenceRegistry& global();

  /// `ranges` says what operands the op's problems are tuned on; nullptr: [-1, 1) for all.
  void add(const std::string& op, AnyReference reference, InputRanges ranges = nullptr,
           DerivedInputs derived = nullptr);
  bool has(const std::string& op) const { return by_op_.contains(op); }
  /// Throws InternalError for an op without one.
  AnyReference find(const std::string& op) const;
  /// What the numbers of an operand are drawn from, uniformly, where the problem is tuned.
  InputRange input_range(const Problem& problem, std::size_t input) const;
  /// See derive_inputs(); nullptr where no operand follows from others.
  DerivedInputs derived_inputs(const std::string& op) const;
  std::vector<std::string> ops() const;

 private:
  struct Entry {
    AnyReference reference;
    InputRanges ranges;
    DerivedInputs derived;
  };
  std::map<std::string, Entry> by_op_;
};

}  // namespace engine
