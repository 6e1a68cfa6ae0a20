// The oracle of an op: plain loops in double over widened operands, with a magnitude for every
// output element, so that one bound |err| <= c * eps * magnitude serves all kernels of all back
// ends.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "engine/core/tensor.h"
#include "engine/tune/problem.h"

namespace engine {

/// A host tensor with every element widened to double (all integers in use fit 53 bits), in the
/// order of its shape whatever its layout: references need not know of layouts.
struct ReferenceTensor {
  TensorType type;
  std::vector<double> values;
  /// Per element of an output: the same expression over absolute values (for a product |A|·|B|),
  /// the scale that rounding errors are measured in. Left empty by ops for which |value| is that
  /// scale.
  std::vector<double> magnitudes;
};

/// Computes the outputs (whose types are set, values sized) of `problem` from its inputs.
using Reference = void (*)(const Problem& problem, std::span<const ReferenceTensor> inputs,
                           std::span<ReferenceTensor> outputs);

/// One element of an output, and its magnitude.
struct ReferenceElement {
  double value = 0, magnitude = 0;
};
/// Computes element `element` of output `output` alone: what an op brings whose outputs are too
/// expensive to be computed whole for every problem that is tuned.
using ElementReference = ReferenceElement (*)(const Problem& problem,
                                              std::span<const ReferenceTensor> inputs,
                                              std::size_t output, std::size_t element);
using AnyReference = std::variant<Reference, ElementReference>;

/// Bounds of the floating-point numbers of an operand.
struct InputRange {
  double low = -1, high = 1;
};
/// What an op brings whose kernels can be compared on some operands only: a recurrent net with
/// large weights is chaotic, and every rounding error grows from step to step.
using InputRanges = InputRange (*)(const Problem& problem, std::size_t input);

/// What an op brings some of whose operands follow from the others, as what a gradient reads of
/// its forward pass does: a kernel may read them, or compute them anew. Overwrites their values.
using DerivedInputs = void (*)(const Problem& problem, std::span<ReferenceTensor> inputs);

/// Widens `type.bytes()` bytes of host memory.
ReferenceTensor widen(const TensorType& type, const void* data);
/// The inverse: rounds to the dtype.
void narrow(const ReferenceTensor& tensor, void* data);

/// Runs the reference of problem.op and fills in absent magnitudes.
std::vector<ReferenceTensor> evaluate_reference(const Problem& problem,
                                                std::span<const ReferenceTensor> inputs);

/// Overwrites those of the operands that follow from the others, rounded to their dtypes. Answers
/// whether the op has any.
bool derive_inputs(const Problem& problem, std::span<ReferenceTensor> inputs);

/// The comparison of one tensor with its reference.
struct Comparison {
  double worst = 0;      ///< largest |err| / (eps * magnitude); infinite for a stray NaN
  std::int64_t at = -1;  ///< its element
  double got = 0, expected = 0;
};
/// Compares `data` (host memory of actual.type) with `expected`. Integers must be equal: any
/// difference counts as infinite. eps is that of the dtype; magnitudes below the smallest normal
/// count as that.
Comparison compare(const TensorType& type, const void* data, const ReferenceTensor& expected);

/// Compares `data` with what a trusted kernel gave for the same problem, stored as `type`; errors
/// are in units of eps * `magnitude`.
Comparison compare(const TensorType& type, const void* data, const void* trusted, double magnitude);

/// An element of which the value is known.
struct Sample {
  std::size_t element = 0;
  ReferenceElement expected;
};
/// The same for some elements.
Comparison compare(const TensorType& type, const void* data, std::span<const Sample> samples);

}  // namespace engine
