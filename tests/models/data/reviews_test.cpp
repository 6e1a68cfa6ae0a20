// aclImdb folders: what words are, how they are ranked, which tokens a model is given, and that the
// cache is never stale, never in the way, and never believed.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "models/data/review_cache.h"
#include "models/data/review_words.h"
#include "tests/models/data/text_files.h"

namespace engine {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words words;
  for (ReviewWords each(text); each.next();) words.push_back(each.word());
  return words;
}

TEST(ReviewWords, AreLettersDigitsAndApostrophesWithin) {
  EXPECT_EQ(words_of("It's GREAT: 10/10, isn't it?"),
            (Words{"it's", "great", "10", "10", "isn't", "it"}));
  EXPECT_EQ(words_of("'quoted' ''rock'n'roll'' ' ''"), (Words{"quoted", "rock'n'roll"}));
  EXPECT_EQ(words_of(""), Words{});
}

TEST(ReviewWords, DropsLineBreaksOfHtml) {
  EXPECT_EQ(words_of("one<br /><br />two<BR>three<br/>four"),
            (Words{"one", "two", "three", "four"}));
  EXPECT_EQ(words_of("a<b <br"), (Words{"a", "b", "br"}));
}

TEST(ReviewWords, TakesBytesAsTheyAre) {
  EXPECT_EQ(words_of("caf\xC3\xA9 \xE2\x80\x9Cquoted\xE2\x80\x9D a\xC2\x96z"),
            (Words{"caf\xC3\xA9", "quoted", "a", "z"}));
  EXPECT_EQ(words_of(std::string_view("a\0b\xFF\xFE \xC2", 7)), (Words{"a", "b\xFF\xFE"}));
  EXPECT_EQ(words_of("cr\r\nlf\ttab"), (Words{"cr", "lf", "tab"}));
}

class ReviewFolder : public testing::Test {
 protected:
  ReviewFolder() {
    setenv("XDG_CACHE_HOME", (caches_ / "home").c_str(), 1);
    // Frequencies: the 3; good, bad 2; a, film 1.
    write_files(folder_, {{"train/pos/0_9.txt", "The good, the good"},
                          {"train/neg/0_1.txt", "bad bad film"},
                          {"train/neg/1_2.txt", "the a"},
                          {"test/pos/0_8.txt", "A <br />unheard word"},
                          {"test/neg/0_3.txt", ""}});
  }
  ~ReviewFolder() override {
    saved_home_ ? setenv("XDG_CACHE_HOME", saved_home_->c_str(), 1) : unsetenv("XDG_CACHE_HOME");
  }

  static DatasetExpectation expectation(std::int64_t vocabulary, std::int64_t length,
                                        Padding padding) {
    return {Shape{length}, 2, TextFormat{vocabulary, {length}, padding}};
  }
  std::unique_ptr<Dataset> open(std::int64_t vocabulary = 100, std::int64_t length = 5,
                                Padding padding = Padding::left) const {
    return open_dataset(folder_.path(), expectation(vocabulary, length, padding));
  }
  // Rows of training with their labels, whatever the order.
  std::set<std::pair<int, std::vector<std::int32_t>>> training(const Dataset& data) const {
    std::set<std::pair<int, std::vector<std::int32_t>>> rows;
    const auto labels = data.read_labels(Part::train);
    const auto tokens = token_rows(data, Part::train);
    for (std::size_t i = 0; i < tokens.size(); ++i) rows.emplace(labels[i], tokens[i]);
    return rows;
  }
  std::string cache_file() const {
    return ReviewCache(folder_.path(), list_reviews(folder_.path())).path();
  }
  // Until a further change would be told from those made so far.
  static void let_settle() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

  const ScratchFolder folder_, caches_;

 private:
  std::optional<std::string> saved_home_ =
      getenv("XDG_CACHE_HOME") != nullptr ? std::optional(getenv("XDG_CACHE_HOME")) : std::nullopt;
};

// Of words as frequent as each other, the first by its bytes: the = 3, bad = 4, good = 5, a = 6,
// film = 7.
TEST_F(ReviewFolder, RanksWordsByFrequencyInTraining) {
  const auto data = open();
  EXPECT_EQ(data->observation_type(), (TensorType{Shape{5}, DType::i32}));
  EXPECT_EQ(training(*data),
            (std::set<std::pair<int, std::vector<std::int32_t>>>{
                {1, {1, 3, 5, 3, 5}}, {0, {0, 1, 4, 4, 7}}, {0, {0, 0, 1, 3, 6}}}));
  const auto tests = token_rows(*data, Part::test);
  const auto labels = data->read_labels(Part::test);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(tests[i], labels[i] == 1 ? (std::vector<std::int32_t>{0, 1, 6, 2, 2})
                                       : (std::vector<std::int32_t>{0, 0, 0, 0, 1}));
}

TEST_F(ReviewFolder, KeepsTheLastTokensAndPadsWhereTheModelSays) {
  EXPECT_EQ(training(*open(100, 3, Padding::right)),
            (std::set<std::pair<int, std::vector<std::int32_t>>>{
                {1, {5, 3, 5}}, {0, {4, 4, 7}}, {0, {1, 3, 6}}}));
  EXPECT_EQ(training(*open(5, 6, Padding::right)),
            (std::set<std::pair<int, std::vector<std::int32_t>>>{
                {1, {1, 3, 2, 3, 2, 0}}, {0, {1, 4, 4, 2, 0, 0}}, {0, {1, 3, 2, 0, 0, 0}}}));
}

TEST_F(ReviewFolder, IsFoundInWhatTheArchiveUnpacksTo) {
  std::filesystem::create_directories(folder_ / "outer");
  std::filesystem::rename(folder_ / "train", folder_ / "outer/train");
  std::filesystem::rename(folder_ / "test", folder_ / "outer/test");
  std::filesystem::rename(folder_ / "outer", folder_ / "aclImdb");
  EXPECT_EQ(open()->count(Part::train), 3);
  const auto nature = nature_of_dataset(folder_.path());
  EXPECT_EQ(nature->classes, 2);
  EXPECT_EQ(nature->observation.rank(), 0);
  EXPECT_EQ(nature->text->vocabulary, 0);
}

TEST_F(ReviewFolder, NamesTheClassThatIsMissingOrEmpty) {
  std::filesystem::remove(folder_ / "test/neg/0_3.txt");
  expect_error<DataError>([&] { open(); }, {folder_ / "test/neg", "no review", "*.txt"});
  std::filesystem::remove(folder_ / "test/neg");
  expect_error<DataError>([&] { open(); }, {folder_.path(), "no folder test/neg"});
}

TEST_F(ReviewFolder, RefusesWhatIsNoFileAndWhatIsNoReview) {
  std::filesystem::create_directories(folder_ / "train/pos/5.txt");
  expect_error<DataError>([&] { open(); }, {"train/pos/5.txt", "not a regular file"});
  std::filesystem::remove(folder_ / "train/pos/5.txt");
  write_text(folder_ / "train/pos/6.txt", "");
  std::filesystem::resize_file(folder_ / "train/pos/6.txt", kLongestReview + 1);
  expect_error<DataError>([&] { open(); }, {"train/pos/6.txt", "16777217 bytes", "at most"});
}

TEST_F(ReviewFolder, MakesUnknownWordsOfEndlessOnes) {
  write_text(folder_ / "train/pos/0_9.txt", "the good the good " + std::string(100000, 'x'));
  EXPECT_TRUE(training(*open()).contains({1, {3, 5, 3, 5, kUnknownWord}}));
}

TEST_F(ReviewFolder, ServesModelsOfTextOnly) {
  expect_error<DataError>(
      [&] {
        open_dataset(folder_.path(), {Shape{784}, 10});
      },
      {folder_.path(), "holds text", "[784]"});
  expect_error<DataError>(
      [&] {
        open_dataset(folder_.path(), {Shape{9}, 2, TextFormat{20, {5, 4}}});
      },
      {"holds reviews", "segments [5, 4]"});
  expect_error<DataError>(
      [&] {
        open_dataset(folder_.path(), {Shape{5}, 1, TextFormat{20, {5}}});
      },
      {"label 1", "below 1"});
  expect_error<UsageError>(
      [&] { open_dataset(folder_.path(), expectation(20, 5, Padding::left), "qa1"); },
      {"--task qa1", folder_.path()});
}

TEST_F(ReviewFolder, IsReadFromTheCacheOnceItIsSettled) {
  open();  // what was written this very moment may still change unseen
  let_settle();
  const auto before = training(*open());
  ASSERT_TRUE(std::filesystem::exists(cache_file()));
  const std::string saved = read_text(cache_file());
  EXPECT_EQ(training(*open()), before);
  EXPECT_EQ(read_text(cache_file()), saved);
  EXPECT_EQ(training(*open(5, 6, Padding::right)).size(), 3u);  // another model, the same cache
}

TEST_F(ReviewFolder, IsReadAnewWhereAFileHasChanged) {
  let_settle();
  open();
  // The same size, and the time of modification put back: only the inode's own time tells.
  const auto time = std::filesystem::last_write_time(folder_ / "train/neg/0_1.txt");
  write_text(folder_ / "train/neg/0_1.txt", "the the film");
  std::filesystem::last_write_time(folder_ / "train/neg/0_1.txt", time);
  // the = 3, good = 4, a = 5, film = 6
  EXPECT_TRUE(training(*open()).contains({0, {0, 1, 3, 3, 6}}));
  let_settle();
  open();
  write_text(folder_ / "train/neg/2_2.txt", "another");
  EXPECT_EQ(open()->count(Part::train), 4);
}

TEST_F(ReviewFolder, DoesWithoutACacheThatIsDamagedOrCannotBeWritten) {
  let_settle();
  const auto expected = training(*open());
  const std::string saved = read_text(cache_file());
  for (std::string damaged :
       {std::string(), saved.substr(0, 40), saved + "x", std::string("something else")}) {
    write_text(cache_file(), damaged);
    EXPECT_EQ(training(*open()), expected);
    EXPECT_EQ(read_text(cache_file()), saved);
  }
  setenv("XDG_CACHE_HOME", (folder_ / "train/neg/0_1.txt").c_str(), 1);  // no folder
  EXPECT_EQ(training(*open()), expected);
}

TEST(ReviewCache, BelievesNothing) {
  const Reviews reviews{ReviewPart{{0, 1}, {2, 3}, {3, 2, 4}}, ReviewPart{{1}, {0}, {}}};
  const std::string bytes = serialize_reviews(reviews, 7);
  EXPECT_EQ(parse_reviews(bytes, 7, "cache"), reviews);
  EXPECT_EQ(parse_reviews(bytes, 8, "cache"), std::nullopt);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    try {
      EXPECT_EQ(parse_reviews(damaged, 7, "cache"), std::nullopt) << "byte " << i;
    } catch (const DataError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("cache: ")) << error.what();
    }
  }
  for (const Reviews& wrong :
       {Reviews{ReviewPart{{0, 1}, {2, 1}, {3}}, {}}, Reviews{ReviewPart{{0}, {9}, {3}}, {}},
        Reviews{ReviewPart{{2}, {1}, {3}}, {}}, Reviews{ReviewPart{{0}, {1}, {-3}}, {}}})
    expect_error<DataError>([&] { parse_reviews(serialize_reviews(wrong, 7), 7, "cache"); },
                            {"cache: "});
}

}  // namespace
}  // namespace engine
