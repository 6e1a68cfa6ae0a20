#include "tools/common/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace engine::tools {
namespace {

bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

std::string with_separators(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const auto first = static_cast<std::ptrdiff_t>(number < 0 ? 1 : 0);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string human_bytes(double bytes) {
  const char* const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(units)) {
    bytes /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || bytes >= 100 ? 0 : 1;
  return fmt::format("{:.{}f} {}", bytes, decimals, units[unit]);
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 1e15) + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string percent(double share) {
  return fmt::format("{:.1f}%", 100 * share);
}

std::size_t display_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::vector<std::string> wrap(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines;
  std::string line, word;
  const auto end_word = [&] {
    if (!line.empty() && display_width(line) + 1 + display_width(word) > columns)
      lines.push_back(std::exchange(line, ""));
    line += (line.empty() ? "" : " ") + std::exchange(word, "");
  };
  int depth = 0;
  for (char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ' ' && depth <= 0)
      end_word();
    else
      word += c;
  }
  end_word();
  lines.push_back(line);
  return lines;
}

std::string cut(const std::string& text, std::size_t columns) {
  std::size_t end = 0;
  for (std::size_t width = 0; end < text.size(); ++end)
    if (starts_code_point(text[end]) && ++width > columns) break;
  return text.substr(0, end);
}

}  // namespace engine::tools
