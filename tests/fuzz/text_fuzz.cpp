// Text in whatever bytes: a task file of bAbI, the words of a review, and a cache of reviews.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "engine/core/error.h"
#include "models/data/babi_file.h"
#include "models/data/review_cache.h"
#include "models/data/review_words.h"
#include "tests/fuzz/fuzz.h"

using engine::fuzz::require;

namespace {

void read_babi(const std::string& path) {
  engine::BabiWords words;
  const engine::BabiFile file = engine::read_babi_file(path, words);
  require(!file.questions.empty(), "a file with questions");
  for (const engine::BabiQuestion& each : file.questions) {
    require(each.story_begin < each.story_end && each.story_end <= file.stories.size(),
            "a story of words");
    require(each.question_begin < each.question_end && each.question_end <= file.asked.size(),
            "a question of words");
    require(each.answer < words.count(), "an answer that is a word");
  }
  for (std::uint32_t number : file.stories) require(number < words.count(), "a number of a word");
  for (std::int32_t token : words.tokens())
    require(token >= 1 && static_cast<std::size_t>(token) <= words.count(), "a token of a word");
}

void read_words(std::string_view text) {
  std::size_t bytes = 0;
  for (engine::ReviewWords words(text); words.next();) {
    const std::string& word = words.word();
    require(!word.empty() && word.front() != '\'' && word.back() != '\'', "a word");
    require(std::none_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
            "a word of small letters");
    bytes += word.size();
  }
  require(bytes <= text.size(), "no more than the text has");
}

void read_cache(std::string_view bytes) {
  std::uint64_t fingerprint = 0;
  if (bytes.size() >= 24) std::memcpy(&fingerprint, bytes.data() + 16, sizeof fingerprint);
  const auto reviews = engine::parse_reviews(bytes, fingerprint, "cache");
  if (reviews)
    require(engine::serialize_reviews(*reviews, fingerprint) == bytes, "the bytes it was read of");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_words(bytes);
  try {
    read_babi(engine::fuzz::file_of(data, size));
  } catch (const engine::DataError&) {  // which it may be
  }
  try {
    read_cache(bytes);
  } catch (const engine::DataError&) {
  }
  return 0;
}
