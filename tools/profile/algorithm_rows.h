// Configurations of candidates as tuning saw them: rows of a table or of a report.
#pragma once

#include <string>
#include <vector>

#include "engine/tune/algorithm_cache.h"
#include "tools/common/record.h"

namespace engine::tools {

struct AlgorithmRow {
  CandidateResult result;
  bool chosen = false;
  bool timed = false;  ///< whether result has a time
};

/// Every configuration of a record, the named one marked as chosen.
std::vector<AlgorithmRow> algorithm_rows(const TuningRecord& record, const std::string& candidate,
                                         const std::string& configuration);

/// "onednn.inner_product", or "candidate/configuration" where there are several.
std::string algorithm_name(const CandidateResult& result);

/// Attributes and types of a problem's key, without its version, its op and what goes without
/// saying.
std::string problem_shapes(const std::string& key);
/// The op of a problem's key; empty for what is no key.
std::string problem_op(const std::string& key);

/// Appends candidate, config, chosen, microseconds, spread, workspace, deterministic, error,
/// refusal.
void set_algorithm(Record& record, const AlgorithmRow& row);

/// Rows under a heading of their own.
struct AlgorithmSection {
  std::vector<std::string> heading;  ///< lines
  std::vector<AlgorithmRow> rows;
};
/// All sections in the same columns, and what the columns mean.
void print_algorithms(const std::vector<AlgorithmSection>& sections);

}  // namespace engine::tools
