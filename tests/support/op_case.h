// One table of cases an op, and what it means for a kernel to pass one. The same table drives the
// CPU, the simulated CUDA device and real ones.
#pragma once

#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/tune/candidate.h"
#include "engine/tune/problem.h"
#include "engine/tune/reference.h"

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
};

struct OpCase {
  std::string name;
  Problem problem;
  std::vector<InputDraw> inputs;  ///< one an input of the problem
  bool exact = false;             ///< every correct kernel gives exactly the reference's numbers
  bool large = false;             ///< too much for a simulated device
};

/// The cases of `op`; empty for an op that is not in the table.
std::vector<OpCase> op_cases(const std::string& op);
/// Every op that has cases.
std::vector<std::string> case_ops();

/// The inputs of a case, the same on every call, rounded to their dtypes.
std::vector<ReferenceTensor> draw_inputs(const OpCase& test);

/// Which outputs may share storage with which inputs, as (output, input) lists, one a variant that
/// the op's header allows.
std::vector<std::vector<std::pair<std::size_t, std::size_t>>> in_place_variants(
    const Problem& problem);

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
