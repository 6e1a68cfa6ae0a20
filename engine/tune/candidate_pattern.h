// The user's narrowing of the field: alternatives split by '|', each a substring to look for, or,
// after a '-', one to keep out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

class CandidatePattern {
 public:
  /// Empty alternatives are ignored; without any, everything is accepted.
  explicit CandidatePattern(std::string_view text);

  /// `label` is "<candidate>/<configuration>". Accepted when it contains one of the plain
  /// alternatives (or there are none) and none of those after a '-'.
  bool accepts(std::string_view label) const;

 private:
  std::vector<std::string> wanted_;
  std::vector<std::string> unwanted_;
};

}  // namespace engine
