// bAbI's tasks: words, stories, answers, which task a folder has, and what is wrong with a file,
// line by line.
#include <gtest/gtest.h>

#include <cstdlib>

#include "models/data/babi_file.h"
#include "models/train/settings.h"
#include "tests/models/data/text_files.h"

namespace engine {
namespace {

constexpr const char* kTrain =
    "1 Mary went home.\n"
    "2 Where is Mary? \thome\t1\n"
    "3 John has milk.\n"
    "4 What has John?\tapple,milk\t3\n"
    "1 John went home.\n"
    "2 Where is John?\thome\t1\n";
constexpr const char* kTest = "1 Mary has milk.\n2 Where is milk?\tMary\t1\n";

class BabiFolder : public testing::Test {
 protected:
  BabiFolder() {
    write_files(folder_,
                {{"qa8_lists-sets_train.txt", kTrain}, {"qa8_lists-sets_test.txt", kTest}});
  }
  // One word more than the task has: 12 and padding.
  static DatasetExpectation expectation() {
    return {Shape{12}, 14, TextFormat{14, {8, 4}, Padding::left}};
  }
  std::unique_ptr<Dataset> open() const {
    return open_dataset(folder_.path(), expectation(), "qa8");
  }
  void expect_refused(const std::string& text, int line, const std::vector<std::string>& parts) {
    write_text(folder_ / "qa8_lists-sets_train.txt", text);
    std::vector<std::string> all = parts;
    all.push_back(folder_ / "qa8_lists-sets_train.txt" +
                  (line > 0 ? ":" + std::to_string(line) : "") + ": ");
    expect_error<DataError>([&] { open(); }, all);
  }

  const ScratchFolder folder_;
};

// By their bytes: . 1, ? 2, John 3, Mary 4, What 5, Where 6, "apple,milk" 7, has 8, home 9, is 10,
// milk 11, went 12.
TEST_F(BabiFolder, GivesStoriesQuestionsAndAnswersAsTokens) {
  const auto nature = nature_of_dataset(folder_.path(), "qa8");
  EXPECT_EQ(nature->observation, Shape{12});
  EXPECT_EQ(nature->classes, 13);
  EXPECT_EQ(nature->text->segments, (std::vector<std::int64_t>{8, 4}));
  DatasetExpectation expected{nature->observation, nature->classes, nature->text};
  const auto data = open_dataset(folder_.path(), expected, "qa8");
  EXPECT_EQ(token_rows(*data, Part::train),
            (std::vector<std::vector<std::int32_t>>{{0, 0, 0, 0, 4, 12, 9, 1, 6, 10, 4, 2},
                                                    {4, 12, 9, 1, 3, 8, 11, 1, 5, 8, 3, 2},
                                                    {0, 0, 0, 0, 3, 12, 9, 1, 6, 10, 3, 2}}));
  EXPECT_EQ(data->read_labels(Part::train), (std::vector<std::uint8_t>{9, 7, 9}));
  EXPECT_EQ(data->read_labels(Part::test), (std::vector<std::uint8_t>{4}));
  ASSERT_EQ(data->class_names().size(), 13u);
  EXPECT_EQ(data->class_names()[7], "apple,milk");
  EXPECT_EQ(data->class_names()[9], "home");
  expected.text->padding = Padding::right;
  EXPECT_EQ(token_rows(*open_dataset(folder_.path(), expected, "qa8"), Part::test)[0],
            (std::vector<std::int32_t>{4, 8, 11, 1, 0, 0, 0, 0, 6, 10, 11, 2}));
}

TEST_F(BabiFolder, RefusesAModelOfAnotherFormat) {
  expect_error<DataError>([&] { open(); }, {"qa8_lists-sets", "vocabulary 13, segments [8, 4]",
                                            "expects vocabulary 14"});
  expect_error<DataError>(
      [&] {
        open_dataset(folder_.path(), {Shape{12}, 13}, "qa8");
      },
      {"holds text"});
}

TEST_F(BabiFolder, AsksForATask) {
  write_files(folder_, {{"qa1_one_train.txt", kTrain}, {"qa21_none_train.txt", ""}});
  expect_error<UsageError>([&] { nature_of_dataset(folder_.path()); },
                           {"--task is missing", "one of: qa1, qa8"});
  expect_error<UsageError>([&] { nature_of_dataset(folder_.path(), "qa2"); },
                           {"--task qa2", "one of: qa1, qa8"});
  expect_error<DataError>([&] { nature_of_dataset(folder_.path(), "qa1"); },
                          {"qa1_one_test.txt", "cannot be opened"});
  write_files(folder_, {{"qa8_other_train.txt", kTrain}});
  expect_error<DataError>([&] { nature_of_dataset(folder_.path(), "qa8"); },
                          {"qa8_lists-sets_train.txt", "qa8_other_train.txt"});
}

TEST_F(BabiFolder, MakesAModelForTheTask) {
  ModelDefinition model{"babi", "", Network(Shape{4}).dense(5)};
  model.text = TextFormat{5, {3, 1}};
  model.make_network = [](const DatasetNature& data) {
    return Network(data.observation).dense(data.text->vocabulary);
  };
  const ModelDefinition made = for_data(model, folder_.path(), "qa8");
  EXPECT_EQ(made.network.input(), Shape{12});
  EXPECT_EQ(made.classes, 13);
  EXPECT_EQ(made.text->segments, (std::vector<std::int64_t>{8, 4}));
  // A model of images is left as it is, for open_dataset() to say what is wrong.
  model.text.reset();
  EXPECT_EQ(for_data(model, folder_.path(), "qa8").network.input(), Shape{4});
}

TEST_F(BabiFolder, TakesCarriageReturnsAndBlankLines) {
  std::string text;
  for (const char* c = kTrain; *c != 0; ++c) text += *c == '\n' ? "\r\n\r\n" : std::string(1, *c);
  write_text(folder_ / "qa8_lists-sets_train.txt", text);
  EXPECT_EQ(nature_of_dataset(folder_.path(), "qa8")->classes, 13);
}

TEST_F(BabiFolder, TakesBytesThatAreNoUtf8AsLettersAndWordsAsTheyAre) {
  write_text(folder_ / "qa8_lists-sets_train.txt", "1 \xFF\xC3 mary, Mary\n2 Who?\t\xFF\t1\n");
  BabiWords words;
  const BabiFile file = read_babi_file(folder_ / "qa8_lists-sets_train.txt", words);
  EXPECT_EQ(file.stories, (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(words.count(), 7u);
}

TEST_F(BabiFolder, NamesTheLineThatIsWrong) {
  expect_refused("Mary went home.\n", 1, {"begins with 'Mary'", "a number"});
  expect_refused("1 Mary went.\n3 Where?\thome\t1\n", 2, {"the number 3", "expected 2, or 1"});
  expect_refused("2 Mary went.\n", 1, {"the number 2", "expected 1"});
  expect_refused("1 Where?\thome\t1\n", 1, {"before any sentence"});
  expect_refused("1 A.\n2 Where?\thome\t1\n1 Where?\thome\t1\n", 3, {"before any sentence"});
  expect_refused("1 A.\n2 \thome\t1\n", 2, {"without words"});
  expect_refused("1 A.\n2 Where?\t \t1\n", 2, {"without an answer"});
  expect_refused("1 A.\n2 Where?\thome\t1\t2\n", 2, {"more than two tabs"});
  expect_refused("1 A.\n2 " + std::string(70000, 'x') + "\n", 2, {"70002 bytes", "65536"});
  expect_refused(std::string("1 A\0.\n", 6), 1, {"NUL"});
  expect_refused("99999999999999999999 A.\n", 1, {"begins with"});
}

TEST_F(BabiFolder, RefusesAFileWithoutQuestionsAndTooManyWords) {
  expect_refused("", 0, {"has no question"});
  expect_refused("1 Mary went home.\n", 0, {"has no question"});
  std::string text = "1";
  for (int i = 0; i < 256; ++i) text += " w" + std::to_string(i);
  write_text(folder_ / "qa8_lists-sets_train.txt", text + "\n2 Who?\tw1\t1\n");
  expect_error<DataError>([&] { nature_of_dataset(folder_.path(), "qa8"); },
                          {"distinct words", "below 256"});
}

// As Keras' example has it.
TEST(Babi, HasThePublishedSizes) {
  const char* data = std::getenv("ENGINE_TEST_DATA");
  const std::string folder = data == nullptr ? "" : std::string(data) + "/babi";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no babi in ENGINE_TEST_DATA";
  EXPECT_EQ(nature_of_dataset(folder, "qa2")->text->to_string(),
            "vocabulary 36, segments [552, 5]");
  for (int i = 1; i <= 20; ++i) {
    const std::string task = "qa" + std::to_string(i);
    const DatasetNature nature = nature_of_dataset(folder, task).value();
    const auto read = open_dataset(folder, {nature.observation, nature.classes, nature.text}, task);
    EXPECT_EQ(read->count(Part::train), 1000);
    EXPECT_EQ(read->count(Part::test), 1000);
  }
}

}  // namespace
}  // namespace engine
