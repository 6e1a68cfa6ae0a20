#include "models/data/review_words.h"

#include <algorithm>

namespace engine {
namespace {

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Bytes of the line break that `text` begins with: "<br>", "<BR/>", "<br  />"; 0: it does not.
std::size_t break_size(std::string_view text) {
  if (text.size() < 4 || small(text[1]) != 'b' || small(text[2]) != 'r') return 0;
  std::size_t size = 3;
  while (size < text.size() && text[size] == ' ') ++size;
  if (size < text.size() && text[size] == '/') ++size;
  return size < text.size() && text[size] == '>' ? size + 1 : 0;
}

/// Bytes of what parts words at the beginning of `text`, which is not empty; 0: a word's byte.
std::size_t separator_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const char c = small(text[0]);
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'') return 0;
  if (c == '<') return std::max<std::size_t>(1, break_size(text));
  if (byte(0) < 0x80) return 1;
  if (byte(0) == 0xC2) return is_continuation(byte(1)) ? 2 : 1;
  if (byte(0) == 0xE2 && (byte(1) & 0xFE) == 0x80 && is_continuation(byte(2))) return 3;
  return 0;
}

}  // namespace

bool ReviewWords::next() {
  word_.clear();
  while (position_ < text_.size()) {
    const std::size_t separator = separator_size(text_.substr(position_));
    if (separator == 0) {
      const char c = small(text_[position_++]);
      if (c != '\'' || !word_.empty()) word_ += c;
      continue;
    }
    position_ += separator;
    if (!word_.empty()) break;
  }
  while (word_.ends_with('\'')) word_.pop_back();
  return !word_.empty();
}

}  // namespace engine
