#include "tools/profile/algorithm_rows.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace engine::tools {
namespace {

bool is_direct(const AlgorithmRow& row) {
  return algorithm_name(row.result).find("direct") != std::string::npos;
}

}  // namespace

std::optional<double> AlgorithmRow::error() const {
  if (timed || result.error > 0) return result.error;
  return std::nullopt;
}

std::vector<AlgorithmRow> algorithm_rows(const std::vector<CandidateResult>& results,
                                         const std::string& candidate,
                                         const std::string& configuration) {
  std::vector<AlgorithmRow> rows;
  for (const CandidateResult& result : results)
    rows.push_back({result, result.candidate == candidate && result.configuration == configuration,
                    result.refusal.empty() && result.microseconds > 0});
  return rows;
}

std::string algorithm_name(const CandidateResult& result) {
  return result.configuration.empty() ? result.candidate
                                      : result.candidate + "/" + result.configuration;
}

std::string problem_op(const std::string& key) {
  const std::size_t version = key.find(' ');
  if (version == std::string::npos) return "";
  return key.substr(version + 1, key.find(' ', version + 1) - version - 1);
}

std::string problem_shapes(const std::string& key) {
  const std::size_t version = key.find(' ');
  const std::size_t op = version == std::string::npos ? version : key.find(' ', version + 1);
  std::string rest = op == std::string::npos ? key : key.substr(op + 1);
  if (rest.starts_with(": ")) rest.erase(0, 2);
  constexpr std::string_view usual = " : strict";
  if (rest.ends_with(usual)) rest.erase(rest.size() - usual.size());
  return rest;
}

Comparison compare_choice(const std::vector<AlgorithmRow>& rows) {
  Comparison comparison;
  for (const AlgorithmRow& row : rows) {
    if (!row.timed) continue;
    if (row.chosen) comparison.chosen = &row;
    if (comparison.heuristic == nullptr) comparison.heuristic = &row;
    const AlgorithmRow*& direct = comparison.direct;
    if (is_direct(row) &&
        (direct == nullptr || row.result.microseconds < direct->result.microseconds))
      direct = &row;
  }
  return comparison;
}

std::optional<double> gain_over(const AlgorithmRow* other, const AlgorithmRow* chosen) {
  if (other == nullptr || chosen == nullptr) return std::nullopt;
  return other->result.microseconds - chosen->result.microseconds;
}

void set_algorithm(Record& record, const AlgorithmRow& row) {
  const auto when_timed = [&](double value) { return row.timed ? Field(value) : Field(nullptr); };
  record.set("candidate", row.result.candidate);
  record.set("config", row.result.configuration).set("chosen", row.chosen);
  record.set("microseconds", when_timed(row.result.microseconds));
  record.set("spread", when_timed(row.result.spread));
  record.set("workspace", static_cast<std::int64_t>(row.result.workspace));
  record.set("deterministic", row.result.deterministic);
  const std::optional<double> error = row.error();
  record.set("error", error ? Field(*error) : Field(nullptr));
  record.set("refusal", row.refused() ? Field(row.result.refusal) : Field(nullptr));
}

std::vector<Refusal> refusals(const std::vector<AlgorithmRow>& rows) {
  std::vector<Refusal> refusals;
  for (const AlgorithmRow& row : rows) {
    if (!row.refused()) continue;
    const auto same = std::find_if(refusals.begin(), refusals.end(), [&](const Refusal& refusal) {
      return refusal.why == row.result.refusal;
    });
    Refusal& refusal =
        same != refusals.end() ? *same : refusals.emplace_back(Refusal{row.result.refusal, {}});
    refusal.kernels.push_back(algorithm_name(row.result));
  }
  return refusals;
}

std::vector<const AlgorithmRow*> by_time(const std::vector<AlgorithmRow>& rows) {
  std::vector<const AlgorithmRow*> sorted;
  for (const AlgorithmRow& row : rows)
    if (!row.refused()) sorted.push_back(&row);
  std::stable_sort(sorted.begin(), sorted.end(), [](const AlgorithmRow* a, const AlgorithmRow* b) {
    const auto key = [](const AlgorithmRow& row) {
      return row.timed ? row.result.microseconds : std::numeric_limits<double>::infinity();
    };
    return key(*a) < key(*b);
  });
  return sorted;
}

}  // namespace engine::tools
