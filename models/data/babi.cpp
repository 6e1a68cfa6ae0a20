#include "models/data/babi.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "engine/core/error.h"
#include "models/data/babi_file.h"
#include "models/data/labelled_files.h"
#include "models/data/memory.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr int kTasks = 20;
constexpr std::string_view kTrainSuffix = "_train.txt";
constexpr std::string_view kTestSuffix = "_test.txt";
/// Of all rows of a part: 1 GiB. A story that never ends makes them grow with its square.
constexpr std::int64_t kMostTokens = std::int64_t{1} << 28;

/// The task of "qa2_two-supporting-facts_train.txt": "qa2"; empty: the file of none.
std::string task_of(const fs::path& name) {
  const std::string& text = name.native();
  if (!text.ends_with(kTrainSuffix)) return {};
  const std::string task = text.substr(0, text.find('_'));
  for (int i = 1; i <= kTasks; ++i)
    if (task == fmt::format("qa{}", i)) return task;
  return {};
}

bool is_task_name(const fs::path& name) {
  return !task_of(name).empty();
}

/// `folder`, or the one in it that has tasks; empty where neither has.
fs::path locate_tasks(const fs::path& folder) {
  for (const fs::path& place : {folder, folder / "en", folder / "tasks_1-20_v1-2" / "en"})
    if (is_folder(place) && has_files(place, is_task_name)) return place;
  return {};
}

/// "qa1, qa2", by their numbers.
std::string known_tasks(const std::vector<LabelledFile>& files) {
  std::set<int> numbers;
  for (const LabelledFile& file : files)
    numbers.insert(std::stoi(task_of(file.path.filename()).substr(2)));
  return fmt::format("qa{}", fmt::join(numbers, ", qa"));
}

/// The path of its files but for what tells training from test.
fs::path find_task(const fs::path& folder, const std::string& task) {
  std::vector<LabelledFile> files;
  add_files(locate_tasks(folder), is_task_name, 0, files);
  std::vector<std::string> found;
  for (const LabelledFile& file : files)
    if (task_of(file.path.filename()) == task) found.push_back(file.path.native());
  if (task.empty())
    throw UsageError(fmt::format("--task is missing: {} holds tasks, expected one of: {}",
                                 folder.native(), known_tasks(files)));
  if (found.empty())
    throw UsageError(fmt::format("--task {}: {} has none called so, expected one of: {}", task,
                                 folder.native(), known_tasks(files)));
  if (found.size() > 1)
    throw DataError(
        fmt::format("{} and {}: both are task {}, expected one", found[0], found[1], task));
  return found[0].substr(0, found[0].size() - kTrainSuffix.size());
}

/// Both parts of a task.
class Task {
 public:
  explicit Task(const fs::path& path)
      : path_(path.native()),
        parts_{read_babi_file(path_ + std::string(kTrainSuffix), words_),
               read_babi_file(path_ + std::string(kTestSuffix), words_)} {
    if (classes() > kMostLabels)
      throw DataError(fmt::format("{}: has {} distinct words and answers, expected below {}", path_,
                                  words_.count(), kMostLabels));
  }

  /// A class for every token, padding's among them.
  int classes() const { return static_cast<int>(words_.count()) + 1; }

  TextFormat format() const {
    std::size_t story = 0, question = 0;
    for (const BabiFile& file : parts_)
      for (const BabiQuestion& each : file.questions) {
        story = std::max(story, each.story_end - each.story_begin);
        question = std::max(question, each.question_end - each.question_begin);
      }
    return {classes(), {static_cast<std::int64_t>(story), static_cast<std::int64_t>(question)}};
  }

  std::vector<std::string> class_names() const {
    std::vector<std::string> names = words_.in_order();
    names.insert(names.begin(), "(padding)");
    return names;
  }

  ArrayPart rows(std::size_t part, const TextFormat& format) const {
    const BabiFile& file = parts_[part];
    const auto count = static_cast<std::int64_t>(file.questions.size());
    if (count > kMostTokens / format.length())
      throw DataError(fmt::format("{}: {} questions of {} tokens are more than {} in all", path_,
                                  count, format.length(), kMostTokens));
    const std::vector<std::int32_t> tokens = words_.tokens();
    const std::vector<std::int32_t> stories = translate(file.stories, tokens);
    const std::vector<std::int32_t> asked = translate(file.asked, tokens);
    std::vector<std::int32_t> rows(static_cast<std::size_t>(count * format.length()));
    std::vector<std::uint8_t> labels;
    std::span<std::int32_t> rest(rows);
    const auto place = [&](std::span<const std::int32_t> text, std::int64_t length) {
      const auto segment = static_cast<std::size_t>(length);
      place_tokens(text, format.padding, rest.first(segment));
      rest = rest.subspan(segment);
    };
    for (const BabiQuestion& each : file.questions) {
      place(between(stories, each.story_begin, each.story_end), format.segments[0]);
      place(between(asked, each.question_begin, each.question_end), format.segments[1]);
      labels.push_back(static_cast<std::uint8_t>(tokens[each.answer]));
    }
    return {std::move(rows), std::move(labels)};
  }

 private:
  static std::vector<std::int32_t> translate(const std::vector<std::uint32_t>& numbers,
                                             const std::vector<std::int32_t>& tokens) {
    std::vector<std::int32_t> result;
    result.reserve(numbers.size());
    for (std::uint32_t number : numbers) result.push_back(tokens[number]);
    return result;
  }
  static std::span<const std::int32_t> between(const std::vector<std::int32_t>& all,
                                               std::size_t begin, std::size_t end) {
    return std::span(all).subspan(begin, end - begin);
  }

  std::string path_;
  BabiWords words_;  // before what reads them
  std::array<BabiFile, 2> parts_;
};

std::unique_ptr<Dataset> open_task(const fs::path& path, const DatasetExpectation& expected) {
  const Task task(path);
  const TextFormat format = task.format();
  if (expected.text->vocabulary != format.vocabulary || expected.text->segments != format.segments)
    throw DataError(fmt::format("{}: the task's story and question have {}, the model expects {}",
                                path.native(), format.to_string(), expected.text->to_string()));
  return make_dataset(expected.observation, expected.classes, task.rows(0, *expected.text),
                      task.rows(1, *expected.text), format.vocabulary,
                      fmt::format("bAbI task {}", path.native()), task.class_names());
}

DatasetNature nature_of_task(const fs::path& path) {
  const Task task(path);
  const TextFormat format = task.format();
  return {Shape{format.length()}, task.classes(), format};
}

}  // namespace

FolderLayout babi_layout() {
  return {.files = "qa1_*_train.txt to qa20_*_train.txt, qa*_test.txt",
          .recognises = [](const fs::path& folder) { return !locate_tasks(folder).empty(); },
          .open = open_task,
          .nature = nature_of_task,
          .text = true,
          .find_task = find_task};
}

}  // namespace engine
