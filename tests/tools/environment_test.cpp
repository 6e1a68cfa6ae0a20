// The tools where a machine is set up in an odd way: decimal commas, no environment at all, no
// home, folders that cannot be written, and paths of any bytes and length.
#include <gtest/gtest.h>

#include <algorithm>
#include <clocale>
#include <filesystem>
#include <fstream>
#include <locale>

#include "models/file/model_file.h"
#include "models/train/trainer.h"
#include "tests/tools/tool.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModel = R"(name = "tiny"
input = [2, 2]
classes = 3
batch = 16
[optimizer]
name = "rmsprop"
learning_rate = 0.0125
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
units = 3
)";

Words fit_tiny(const std::string& model, const std::string& run) {
  return {"fit", model,       "--data", "synthetic:64", "--epochs", "1", "--device",
          "cpu", "--threads", "1",      "--out",        run};
}

class Environment : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(model_) << kModel; }

  // `words` of engine-train under `settings`, which are words of env.
  Outcome train_under(Words settings, const Words& words) const {
    settings.insert(settings.begin(), "/usr/bin/env");
    const Words command = tool("engine-train", words);
    settings.insert(settings.end(), command.begin(), command.end());
    return Process(settings, folder_.path()).wait();
  }
  // The locale of $LC_ALL below `folder_`; false where this system has no means to make it.
  bool make_german() const {
    if (!fs::exists("/usr/bin/localedef")) return false;
    return Process({"/usr/bin/localedef", "-i", "de_DE", "-f", "UTF-8", folder_ / "de_DE.UTF-8"},
                   folder_.path())
               .wait()
               .status == 0;
  }

  WorkFolder folder_;
  const std::string model_ = folder_ / "tiny.toml";
};

// Everything of a run that holds no time, as one text.
std::string reproducible(const std::string& run) {
  std::string text;
  for (const char* file : {"config.json", "model.toml", "checkpoints/last.safetensors"})
    text += file_bytes(run + "/" + file);
  for (nlohmann::json row : json_lines(file_bytes(run + "/metrics.jsonl"))) {
    row.erase("seconds");
    row.erase("samples_per_second");
    text += row.dump();
  }
  return text;
}

struct DecimalComma final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// Puts the program's locales back.
class LocaleGuard {
 public:
  ~LocaleGuard() {
    std::locale::global(std::locale::classic());
    setlocale(LC_ALL, "C");
  }
};

TEST_F(Environment, AProgramWithDecimalCommasWritesAndReadsTheSame) {
  const auto train_to = [&](const std::string& run) {
    TrainSettings settings = default_settings(load_model_file(model_));
    settings.model = model_;
    settings.data = "synthetic:64";
    settings.device = "cpu";
    settings.autotune = "off";
    settings.threads = 1;
    Callback silent;
    train(settings, {folder_ / run, ""}, silent);
  };
  train_to("point");
  const LocaleGuard guard;
  if (make_german()) {
    setenv("LOCPATH", folder_.path().c_str(), 1);
    EXPECT_NE(setlocale(LC_ALL, "de_DE.UTF-8"), nullptr);
  }
  std::locale::global(std::locale(std::locale(), new DecimalComma));
  train_to("comma");
  EXPECT_EQ(reproducible(folder_ / "comma"), reproducible(folder_ / "point"));
  EXPECT_EQ(load_model_file(folder_ / "comma/model.toml").optimizer.learning_rate, 0.0125);
  EXPECT_EQ(RunFolder::open(folder_ / "comma").metrics().read().size(), 1u);
}

TEST_F(Environment, ToolsUnderALocaleWithDecimalCommas) {
  if (!make_german()) GTEST_SKIP() << "localedef cannot make de_DE.UTF-8 here";
  const Words german = {"LC_ALL=de_DE.UTF-8", "LOCPATH=" + folder_.path()};
  const auto fit = [&](const std::string& run) {
    Words words = fit_tiny(model_, folder_ / run);
    words.insert(words.end(), {"--autotune", "off", "--lr", "0.03125", "--json"});
    return words;
  };
  const Outcome outcome = train_under(german, fit("comma"));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(json_lines(outcome.out).size(), 3u);
  ASSERT_EQ(train_under({"LC_ALL=C"}, fit("point")).status, 0);
  EXPECT_EQ(reproducible(folder_ / "comma"), reproducible(folder_ / "point"));
  const Words evaluate = {"evaluate", folder_ / "comma", "--data", "synthetic:64", "--json"};
  nlohmann::json german_result = json_lines(train_under(german, evaluate).out).at(0);
  nlohmann::json result = json_lines(train_under({"LC_ALL=C"}, evaluate).out).at(0);
  german_result.erase("seconds");
  result.erase("seconds");
  EXPECT_EQ(german_result, result);
}

TEST_F(Environment, NoVariablesAtAll) {
  fs::create_directory(folder_ / "here");
  const Outcome outcome =
      train_under({"-i", "-C", folder_ / "here"}, fit_tiny(model_, folder_ / "run"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::is_empty(folder_ / "here")) << "without a home there is no cache to save";
  EXPECT_EQ(outcome.err.find("warning"), std::string::npos) << outcome.err;
}

// Also for root, whom permissions do not stop: a folder under a file, and one in /proc.
TEST_F(Environment, AHomeThatCannotBeWrittenIsOneWarning) {
  int number = 0;
  for (const std::string& home : {folder_ / "tiny.toml", std::string("/proc/engine")}) {
    const std::string run = folder_ / ("run" + std::to_string(number++));
    const Outcome outcome =
        train_under({"-u", "XDG_CACHE_HOME", "HOME=" + home}, fit_tiny(model_, run));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(occurrences(outcome.err, "warning: "), 1u) << outcome.err;
    EXPECT_NE(outcome.err.find("tuning results are not saved: " + home), std::string::npos)
        << outcome.err;
  }
}

// A folder of IDX files with images of 2 x 2 pixels.
void write_images(const std::string& folder) {
  fs::create_directories(folder);
  for (const auto& [part, count] : {std::pair("train", 20), std::pair("t10k", 6)}) {
    std::string images("\0\0\x8\3\0\0\0\0\0\0\0\2\0\0\0\2", 16);
    std::string labels("\0\0\x8\1\0\0\0\0", 8);
    images[7] = labels[7] = static_cast<char>(count);
    for (int i = 0; i < count; ++i) {
      images += std::string(4, static_cast<char>(10 * i));
      labels += static_cast<char>(i % 3);
    }
    std::ofstream(folder + "/" + part + "-images-idx3-ubyte", std::ios::binary) << images;
    std::ofstream(folder + "/" + part + "-labels-idx1-ubyte", std::ios::binary) << labels;
  }
}

TEST_F(Environment, PathsOfAnyBytesAndLength) {
  std::string deep = "long";
  for (int i = 0; i < 15; ++i) deep += "/" + std::string(200, static_cast<char>('a' + i));
  for (const std::string& name :
       {std::string("with  space"), std::string("new\nline"), std::string("\xff\xfe\x80 not UTF-8"),
        std::string("-dash"), std::string("quote\"'\\{}%s"), deep}) {
    SCOPED_TRACE(name);
    const std::string place = folder_ / name, run = place + "/run";
    write_images(place + "/data");
    // A run keeps to its model, which config.json can only name in UTF-8.
    const std::string model = name.front() == '\xff' ? model_ : place + "/tiny.toml";
    if (model != model_) fs::copy_file(model_, model);
    Words fit = {"fit",
                 model,
                 "--data",
                 place + "/data",
                 "--epochs",
                 "1",
                 "--out",
                 run,
                 "--json",
                 "--threads",
                 "1",
                 "--device",
                 "cpu",
                 "--algorithm-cache",
                 place + "/cache"};
    const Outcome trained = train_under({}, fit);
    ASSERT_EQ(trained.status, 0) << trained.err;
    EXPECT_EQ(json_lines(trained.out).size(), 3u);
    EXPECT_TRUE(fs::exists(place + "/cache"));
    for (const char* command : {"evaluate", "predict"}) {
      const Outcome outcome = train_under({}, {command, run, "--data", place + "/data", "--json"});
      EXPECT_EQ(outcome.status, 0) << outcome.err;
      EXPECT_FALSE(json_lines(outcome.out).empty());
    }
    const Outcome resumed = train_under(
        {}, {"fit", model, "--resume", run, "--data", place + "/data", "--epochs", "2"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
  }
}

TEST_F(Environment, ANameThatIsTooLongIsAnErrorAndACacheOneIsAWarning) {
  const std::string name(300, 'x');
  expect_error(train_under({}, fit_tiny(model_, folder_ / name)), 1, "File name too long");
  Words words = fit_tiny(model_, folder_ / "run");
  words.insert(words.end(), {"--algorithm-cache", folder_ / std::string(250, 'x')});
  const Outcome outcome = train_under({}, words);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(occurrences(outcome.err, "warning: "), 1u) << outcome.err;
}

}  // namespace
}  // namespace engine
