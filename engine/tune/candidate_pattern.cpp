#include "engine/tune/candidate_pattern.h"

#include <algorithm>

namespace engine {

CandidatePattern::CandidatePattern(std::string_view text) {
  while (!text.empty()) {
    std::string_view alternative = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(alternative.size() + 1, text.size()));
    const bool excludes = alternative.starts_with('-');
    if (excludes) alternative.remove_prefix(1);
    if (!alternative.empty()) (excludes ? unwanted_ : wanted_).emplace_back(alternative);
  }
}

bool CandidatePattern::accepts(std::string_view label) const {
  const auto found = [&](const std::string& part) {
    return label.find(part) != std::string_view::npos;
  };
  return (wanted_.empty() || std::any_of(wanted_.begin(), wanted_.end(), found)) &&
         std::none_of(unwanted_.begin(), unwanted_.end(), found);
}

}  // namespace engine
