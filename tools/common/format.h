// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace engine::tools {

/// "669,706".
std::string with_separators(std::int64_t number);
/// "512 B", "1.5 KB", "54.9 MB": powers of 1000, three digits.
std::string human_bytes(double bytes);
/// "0.4 s", "42 s", "3 min 05 s", "2 h 10 min".
std::string human_seconds(double seconds);
/// "12.5%" of a share of 0.125.
std::string percent(double share);
/// Columns that UTF-8 text takes on a terminal, one a code point.
std::size_t display_width(const std::string& text);
/// `text` in lines of at most `columns`, broken at blanks that are not within brackets: shapes stay
/// whole. What has no such blank is longer.
std::vector<std::string> wrap(const std::string& text, std::size_t columns);
/// The longest beginning of `text` of at most `columns`.
std::string cut(const std::string& text, std::size_t columns);

}  // namespace engine::tools
