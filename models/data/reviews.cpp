#include "models/data/reviews.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "engine/core/error.h"
#include "engine/device/cpu/parallel.h"
#include "models/data/input_file.h"
#include "models/data/review_words.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 2> kParts{"train", "test"};
constexpr std::array<const char*, 2> kLabels{"neg", "pos"};

bool is_text_name(const fs::path& name) {
  return name.extension() == ".txt" && !name.native().starts_with('.');
}

std::string read_review(const fs::path& path) {
  const InputFile file(path.native());
  if (file.size() > kLongestReview)
    throw DataError(fmt::format("{}: has {} bytes, expected a review of at most {}", path.native(),
                                file.size(), kLongestReview));
  std::string text(file.size(), '\0');
  text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const {
    return std::hash<std::string_view>()(word);
  }
};
template <class Value>
using WordMap = std::unordered_map<std::string, Value, WordHash, std::equal_to<>>;

/// Some files as one thread reads them: words are numbered as they appear there.
class Chunk {
 public:
  void read(std::span<const LabelledFile> files) {
    for (const LabelledFile& file : files) {
      const std::string text = read_review(file.path);
      for (ReviewWords words(text); words.next();) tokens_.push_back(number_of(words.word()));
      ends_.push_back(tokens_.size());
    }
  }

  /// Calls visit(word, how often it appears) for every word.
  template <class Visit>
  void for_each_word(const Visit& visit) const {
    std::vector<std::uint64_t> counts(words_.size());
    for (std::uint32_t token : tokens_)
      if (token != kTooLong) ++counts[token];
    for (const auto& [word, number] : words_) visit(word, counts[number]);
  }

  /// Adds the reviews to `part`, tokens by `ranks`.
  void append_to(ReviewPart& part, const WordMap<std::int32_t>& ranks) const {
    std::vector<std::int32_t> translated(words_.size(), kUnknownWord);
    for (const auto& [word, number] : words_)
      if (const auto rank = ranks.find(word); rank != ranks.end())
        translated[number] = rank->second;
    const std::uint64_t before = part.tokens.size();
    for (std::uint32_t token : tokens_)
      part.tokens.push_back(token == kTooLong ? kUnknownWord : translated[token]);
    for (std::uint64_t end : ends_) part.ends.push_back(before + end);
  }

 private:
  static constexpr std::uint32_t kTooLong = ~std::uint32_t{0};

  std::uint32_t number_of(const std::string& word) {
    if (word.size() > kLongestWord) return kTooLong;
    return words_.try_emplace(word, static_cast<std::uint32_t>(words_.size())).first->second;
  }

  WordMap<std::uint32_t> words_;
  std::vector<std::uint32_t> tokens_;
  std::vector<std::uint64_t> ends_;
};

/// In the order of the files, so that what is thrown is of the first one that is bad.
std::vector<Chunk> read_chunks(const std::vector<LabelledFile>& files) {
  const std::size_t count = std::min<std::size_t>(files.size(), cpu::threads());
  std::vector<Chunk> chunks(count);
  std::vector<std::exception_ptr> failures(count);
  const auto read_one = [&](std::size_t i) {
    try {
      const std::size_t first = files.size() * i / count;
      chunks[i].read(std::span(files).subspan(first, files.size() * (i + 1) / count - first));
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  cpu::parallel_for(static_cast<std::int64_t>(count), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) read_one(static_cast<std::size_t>(i));
  });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return chunks;
}

/// The tokens of all words.
WordMap<std::int32_t> rank_words(const std::vector<Chunk>& chunks) {
  WordMap<std::uint64_t> counts;
  for (const Chunk& chunk : chunks)
    chunk.for_each_word(
        [&](const std::string& word, std::uint64_t count) { counts[word] += count; });
  std::vector<std::pair<std::uint64_t, std::string_view>> order;
  order.reserve(counts.size());
  for (const auto& [word, count] : counts) order.emplace_back(count, word);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  order.resize(std::min(order.size(), kMostWords));
  WordMap<std::int32_t> ranks;
  for (const auto& [count, word] : order)
    ranks.emplace(word, kFirstWord + static_cast<std::int32_t>(ranks.size()));
  return ranks;
}

ReviewPart assemble(const std::vector<LabelledFile>& files, const std::vector<Chunk>& chunks,
                    const WordMap<std::int32_t>& ranks) {
  ReviewPart part;
  for (const LabelledFile& file : files) part.labels.push_back(file.label);
  for (const Chunk& chunk : chunks) chunk.append_to(part, ranks);
  return part;
}

}  // namespace

bool has_reviews(const fs::path& folder) {
  for (const char* part : kParts)
    for (const char* label : kLabels)
      if (is_folder(folder / part / label) && has_files(folder / part / label, is_text_name))
        return true;
  return false;
}

ReviewList list_reviews(const fs::path& folder) {
  ReviewList list;
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    std::vector<LabelledFile>& files = list.parts[part];
    for (std::size_t label = 0; label < kLabels.size(); ++label) {
      const fs::path place = folder / kParts[part] / kLabels[label];
      const std::size_t before = files.size();
      if (!is_folder(place))
        throw DataError(fmt::format("{}: the data set is incomplete: there is no folder {}/{}",
                                    folder.native(), kParts[part], kLabels[label]));
      add_files(place, is_text_name, static_cast<std::uint8_t>(label), files);
      if (files.size() == before)
        throw DataError(fmt::format("{}: holds no review, expected files *.txt", place.native()));
    }
    mix(files, "reviews/order");
  }
  return list;
}

Reviews read_reviews(const ReviewList& list) {
  const std::vector<Chunk> training = read_chunks(list.parts[0]);
  const std::vector<Chunk> test = read_chunks(list.parts[1]);
  const WordMap<std::int32_t> ranks = rank_words(training);
  return {assemble(list.parts[0], training, ranks), assemble(list.parts[1], test, ranks)};
}

}  // namespace engine
