// Candidates as a terminal shows them: one table for all, with a heading over the rows of each
// problem, the fastest first, and below them what the choice gains and who refused for which
// reason.
#pragma once

#include <string>
#include <vector>

#include "tools/profile/algorithm_rows.h"

namespace engine::tools {

/// Columns that tables for people keep to where names allow it.
inline constexpr std::size_t kTerminalColumns = 100;

struct AlgorithmSection {
  std::vector<std::string> heading;  ///< lines
  std::vector<AlgorithmRow> rows;
};
/// All sections, and what the columns mean.
void print_algorithms(const std::vector<AlgorithmSection>& sections);

/// "1.42x": how much faster than `other` the chosen kernel is; "-" where one has no time.
std::string speedup(const AlgorithmRow* other, const AlgorithmRow* chosen);

}  // namespace engine::tools
