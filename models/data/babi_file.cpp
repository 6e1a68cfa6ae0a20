#include "models/data/babi_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "engine/core/error.h"
#include "models/data/input_file.h"

namespace engine {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         byte >= 0x80;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes what comes before `separator`, or all, off the front of `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t size = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return taken;
}

class BabiReader {
 public:
  BabiReader(const std::string& path, BabiWords& words) : path_(path), words_(words) {}

  BabiFile read() {
    const std::string text = content();
    for (std::string_view rest = text; !rest.empty();) {
      ++line_;
      const std::string_view line = take_until(rest, '\n');
      if (line.size() > kLongestBabiLine)
        fail(fmt::format("has {} bytes, expected at most {}", line.size(), kLongestBabiLine));
      if (line.find('\0') != line.npos) fail("has a NUL byte, expected text");
      if (!trimmed(line).empty()) read_line(trimmed(line));
    }
    if (file_.questions.empty())
      throw DataError(path_ +
                      ": has no question, expected lines like '2 Where is Mary?' with "
                      "the answer behind a tab");
    return std::move(file_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}:{}: {}", path_, line_, what));
  }

  std::string content() const {
    const InputFile file(path_);
    if (file.size() > kLargestBabiFile)
      throw DataError(fmt::format("{}: has {} bytes, expected a task file of at most {}", path_,
                                  file.size(), kLargestBabiFile));
    std::string text(file.size(), '\0');
    text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
    return text;
  }

  void read_line(std::string_view line) {
    read_number(take_until(line, ' '));
    if (line.find('\t') == line.npos)
      add_words(line, file_.stories);
    else
      read_question(line);
  }

  void read_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
      fail(fmt::format("begins with '{}', expected a number and a space", printable(text)));
    if (number != 1 && number != number_ + 1)
      fail(fmt::format("has the number {}, expected {}, or 1 for another story", number,
                       number_ + 1));
    number_ = number;
    if (number == 1) story_begin_ = file_.stories.size();
  }

  void read_question(std::string_view line) {
    BabiQuestion question{story_begin_, file_.stories.size(), file_.asked.size(), 0, 0};
    add_words(take_until(line, '\t'), file_.asked);
    question.question_end = file_.asked.size();
    const std::string_view answer = trimmed(take_until(line, '\t'));
    if (line.find('\t') != line.npos)
      fail("has more than two tabs, expected question, answer and supporting lines");
    if (question.story_begin == question.story_end) fail("is a question before any sentence");
    if (question.question_begin == question.question_end) fail("is a question without words");
    if (answer.empty()) fail("is a question without an answer");
    question.answer = words_.number_of(answer);
    file_.questions.push_back(question);
  }

  void add_words(std::string_view text, std::vector<std::uint32_t>& to) {
    while (!(text = trimmed(text)).empty()) {
      const auto end = std::find_if_not(text.begin(), text.end(), is_word_byte);
      const auto size = std::max<std::size_t>(1, static_cast<std::size_t>(end - text.begin()));
      to.push_back(words_.number_of(text.substr(0, size)));
      text.remove_prefix(size);
    }
  }

  const std::string& path_;
  BabiWords& words_;
  BabiFile file_;
  std::size_t line_ = 0, story_begin_ = 0;
  std::int64_t number_ = 0;
};

}  // namespace

std::uint32_t BabiWords::number_of(std::string_view word) {
  const auto known = numbers_.find(word);
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(numbers_.size());
  numbers_.emplace(word, number);
  return number;
}

std::vector<std::int32_t> BabiWords::tokens() const {
  std::vector<std::int32_t> tokens(numbers_.size());
  std::int32_t token = 1;
  for (const auto& [word, number] : numbers_) tokens[number] = token++;
  return tokens;
}

std::vector<std::string> BabiWords::in_order() const {
  std::vector<std::string> words;
  for (const auto& [word, number] : numbers_) words.push_back(printable(word));
  return words;
}

BabiFile read_babi_file(const std::string& path, BabiWords& words) {
  return BabiReader(path, words).read();
}

}  // namespace engine
