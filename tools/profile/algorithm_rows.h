// Configurations of candidates as tuning saw them: rows of a table or of a report, and what the
// chosen one gains over others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/tune/algorithm_cache.h"
#include "tools/common/record.h"

namespace engine::tools {

struct AlgorithmRow {
  CandidateResult result;
  bool chosen = false;
  bool timed = false;  ///< whether result has a time

  bool refused() const { return !result.refusal.empty(); }
  /// Against the reference; a kernel that was never run has none.
  std::optional<double> error() const;
};

/// Every configuration out of a record, the named one marked as chosen.
std::vector<AlgorithmRow> algorithm_rows(const std::vector<CandidateResult>& results,
                                         const std::string& candidate,
                                         const std::string& configuration);

/// "onednn.inner_product", or "candidate/configuration" where there are several.
std::string algorithm_name(const CandidateResult& result);

/// Attributes and types of a problem's key, without its version, its op and what goes without
/// saying.
std::string problem_shapes(const std::string& key);
/// The op of a problem's key; empty for what is no key.
std::string problem_op(const std::string& key);

/// The rows that a choice is compared with: nullptr where there is none with a time.
struct Comparison {
  const AlgorithmRow* chosen = nullptr;
  const AlgorithmRow* heuristic = nullptr;  ///< what --autotune off takes: the first not refused
  const AlgorithmRow* direct = nullptr;     ///< the fastest of the direct algorithms
};
Comparison compare_choice(const std::vector<AlgorithmRow>& rows);
/// Microseconds that the chosen kernel takes less than the other; nothing where one has no time.
std::optional<double> gain_over(const AlgorithmRow* other, const AlgorithmRow* chosen);

/// Appends candidate, config, chosen, microseconds, spread, workspace, deterministic, error,
/// refusal.
void set_algorithm(Record& record, const AlgorithmRow& row);

/// Refused candidates by their reason, both in the order of the rows.
struct Refusal {
  std::string why;
  std::vector<std::string> kernels;
};
std::vector<Refusal> refusals(const std::vector<AlgorithmRow>& rows);
/// The others, the fastest first; those without a time come last, as they are.
std::vector<const AlgorithmRow*> by_time(const std::vector<AlgorithmRow>& rows);

}  // namespace engine::tools
