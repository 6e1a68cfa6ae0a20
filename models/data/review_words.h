// The words of a review. Of ASCII, letters (made small), digits and apostrophes within a word make
// words; so do all bytes from 0x80 on, whatever they mean, but for the UTF-8 of signs that are
// frequent in reviews: U+0080 to U+00BF and U+2000 to U+207F, dashes and quotation marks among
// them. Everything else parts words: NUL bytes do, and HTML's line breaks ("<br />") as a whole.
#pragma once

#include <string>
#include <string_view>

namespace engine {

/// Raised with every change of what words are, as caches know them by it.
inline constexpr int kReviewWordsVersion = 1;

class ReviewWords {
 public:
  /// `text` must outlive this.
  explicit ReviewWords(std::string_view text) : text_(text) {}

  /// Whether there is another word, which `word` then is.
  bool next();
  const std::string& word() const { return word_; }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  std::string word_;
};

}  // namespace engine
