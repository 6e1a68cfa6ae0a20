// A task file of bAbI (Weston et al., "Towards AI-complete question answering", 2015): numbered
// sentences of a story, with questions between them, whose line has the answer and the numbers of
// the sentences that support it behind tabs; a number 1 begins another story.
//
//   1 Mary moved to the bathroom.
//   2 Where is Mary? <tab>bathroom<tab>1
//
// Words are runs of letters, digits, underscores and bytes from 0x80 on, as they are written; every
// other byte but white space is a word of its own. An answer is one word whatever it has: a list
// "apple,milk", too, as in Keras' example.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// Words numbered as they appear.
class BabiWords {
 public:
  std::uint32_t number_of(std::string_view word);
  std::size_t count() const { return numbers_.size(); }
  /// By number: the word's place among all, in the order of their bytes, counted from 1.
  std::vector<std::int32_t> tokens() const;
  /// In the order of their bytes, fit to be printed.
  std::vector<std::string> in_order() const;

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

/// Its story is all sentences before it.
struct BabiQuestion {
  std::size_t story_begin, story_end;        ///< in BabiFile::stories
  std::size_t question_begin, question_end;  ///< in BabiFile::asked
  std::uint32_t answer;
};

/// Numbers of words.
struct BabiFile {
  std::vector<std::uint32_t> stories;  ///< of sentences, one after the other
  std::vector<std::uint32_t> asked;
  std::vector<BabiQuestion> questions;
};

/// Bytes of a line, and of a file, at most.
inline constexpr std::size_t kLongestBabiLine = 1 << 16;
inline constexpr std::uint64_t kLargestBabiFile = std::uint64_t{1} << 28;

/// Adds the words of the file to `words`. Blank lines and a carriage return at the end of one do
/// not count. Throws DataError naming file and line for anything else that is not as above, a
/// question without a story, words or answer, and a file without a question.
BabiFile read_babi_file(const std::string& path, BabiWords& words);

}  // namespace engine
