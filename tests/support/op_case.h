// One table of cases an op, and what it means for a kernel to pass one. The same table drives the
// CPU, the simulated CUDA device and real ones.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/device/device.h"
#include "engine/tune/candidate.h"
#include "engine/tune/problem.h"
#include "engine/tune/reference.h"
#include "graph/op.h"

namespace engine::test {

/// How the elements of an input are drawn.
struct InputDraw {
  enum class Kind {
    reals,     ///< uniform in [low, high); integers when the dtype is one
    integers,  ///< whole numbers in [low, high), so that sums and products are exact
    specials,  ///< NaN, infinities, zeros of both signs, denormals and ordinary numbers
  };
  Kind kind = Kind::reals;
  double low = -1, high = 1;
  double unit = 1;  ///< what all numbers are multiplied by
};

/// One case of an op. The problem that kernels get follows from the op and the operands' types.
struct OpCase {
  std::string name;
  std::shared_ptr<const graph::Op> op;
  std::vector<TensorType> types;  ///< of the operands
  std::vector<InputDraw> draws;   ///< one an operand
  bool exact = false;             ///< every correct kernel gives exactly the reference's numbers
  bool divisible = false;         ///< exact even for candidates that divide on their way
  bool large = false;             ///< too much for a simulated device; timed by the benchmark
  /// The op's gradient is held against central differences of its reference: the case must be small
  /// and its inputs must lie off the function's edges.
  bool gradient = false;

  Problem problem() const { return graph::make_problem(*op, types); }
};

/// Cases by op. Filled by calls that the build generates, one for each tests/ops/<stem>_cases.cpp:
/// an op brings its own file and edits nobody else's.
class CaseTable {
 public:
  static const CaseTable& global();
  void add(OpCase test) { by_op_[test.op->name()].push_back(std::move(test)); }
  /// Empty for an op that has none.
  const std::vector<OpCase>& of(const std::string& op) const;
  std::vector<std::string> ops() const;

 private:
  std::map<std::string, std::vector<OpCase>> by_op_;
};

/// The inputs of a case, the same on every call, rounded to their dtypes. Those that follow from
/// others (derive_inputs) are not drawn.
std::vector<ReferenceTensor> draw_inputs(const OpCase& test);

struct CaseResult {
  int configurations = 0;             ///< that were run
  std::string refusal;                ///< why there were none
  std::vector<std::string> failures;  ///< one line each, empty when all is well
  double worst = 0;                   ///< largest |err| / (eps * magnitude) seen
};

/// Runs every configuration of `candidate`, apart and in place, and checks its outputs against the
/// reference, the zones around outputs and workspace, that inputs are unchanged, and that a second
/// launch gives the same bits where the configuration promises so. Never throws for a kernel's
/// fault.
CaseResult check_case(const OpCase& test, Device& device, const KernelCandidate& candidate);

/// "cpu", and the devices named in $ENGINE_TEST_DEVICES (a comma list): what open_device() takes.
std::vector<std::string> test_devices();
/// Whether to run cases marked large: unless $ENGINE_TEST_LARGE is 0.
bool run_large_cases();

}  // namespace engine::test
