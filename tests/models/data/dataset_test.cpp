// Recognising data sets: a folder of IDX files, the synthetic one, and everything that is neither.
#include "models/data/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "models/data/memory.h"
#include "models/data/synthetic.h"
#include "tests/models/data/idx_files.h"
#include "tests/models/data/text_files.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

const DatasetExpectation kSmall{Shape{12}, 10};

void write_mnist(const ScratchFolder& folder) {
  write_text(folder / "train-images-idx3-ubyte", images_bytes(5, 3, 4));
  write_text(folder / "train-labels-idx1-ubyte.gz", gzip(labels_bytes("\5\4\3\2\1")));
  write_text(folder / "t10k-images-idx3-ubyte.gz", gzip(images_bytes(2, 3, 4)));
  write_text(folder / "t10k-labels-idx1-ubyte", labels_bytes(std::string_view("\0\11", 2)));
}

std::vector<std::byte> observations(const Dataset& data, Part part) {
  std::vector<std::byte> out;
  data.read_observations(part, [&](std::span<const std::byte> bytes) {
    EXPECT_LE(bytes.size(), kSinkBytes);
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  EXPECT_EQ(out.size(),
            data.observation_type().bytes() * static_cast<std::size_t>(data.count(part)));
  return out;
}

void open_and_read_all(const std::string& source, const DatasetExpectation& expected) {
  const auto data = open_dataset(source, expected);
  for (Part part : {Part::train, Part::test}) {
    observations(*data, part);
    data->read_labels(part);
  }
}

TEST(Mnist, ReadsAFolderOfPlainAndCompressedFiles) {
  const ScratchFolder folder;
  write_mnist(folder);
  const auto data = open_dataset(folder.path(), kSmall);
  EXPECT_EQ(data->count(Part::train), 5);
  EXPECT_EQ(data->count(Part::test), 2);
  EXPECT_EQ(data->classes(), 10);
  EXPECT_EQ(data->observation_type(), (TensorType{Shape{12}, DType::u8}));
  EXPECT_EQ(data->read_labels(Part::train), (std::vector<std::uint8_t>{5, 4, 3, 2, 1}));
  EXPECT_EQ(data->read_labels(Part::test), (std::vector<std::uint8_t>{0, 9}));
  EXPECT_EQ(std::to_integer<int>(observations(*data, Part::train)[2]), 14);
  EXPECT_NE(data->description().find("5 training and 2 test"), std::string::npos);
}

TEST(Mnist, AcceptsShapesThatMeanTheSameBytes) {
  const ScratchFolder folder;
  write_mnist(folder);
  for (const Shape& shape : {Shape{12}, Shape{3, 4}, Shape{1, 3, 4}, Shape{3, 4, 1}})
    EXPECT_EQ(open_dataset(folder.path(), {shape, 10})->observation_type().shape, shape);
  for (const Shape& shape : {Shape{13}, Shape{4, 3}, Shape{2, 6}, Shape{3, 3, 4}})
    expect_error<DataError>(
        [&] {
          open_dataset(folder.path(), {shape, 10});
        },
        {"train-images-idx3-ubyte", "3 x 4", shape.to_string()});
}

TEST(Mnist, RefusesLabelsOutOfRange) {
  const ScratchFolder folder;
  write_mnist(folder);
  expect_error<DataError>(
      [&] {
        open_and_read_all(folder.path(), {Shape{12}, 5});
      },
      {"train-labels-idx1-ubyte.gz", "label 5 of observation 0", "below 5"});
  write_text(folder / "t10k-labels-idx1-ubyte", labels_bytes("\1\xff"));
  expect_error<DataError>([&] { open_and_read_all(folder.path(), kSmall); },
                          {"t10k-labels-idx1-ubyte", "label 255 of observation 1"});
}

TEST(Mnist, RefusesCountsThatDisagree) {
  const ScratchFolder folder;
  write_mnist(folder);
  write_text(folder / "t10k-labels-idx1-ubyte", labels_bytes("\1\2\3"));
  expect_error<DataError>([&] { open_dataset(folder.path(), kSmall); },
                          {"2 images", "3 labels", "t10k-labels-idx1-ubyte"});
}

TEST(Mnist, NamesTheFileThatIsMissing) {
  const ScratchFolder folder;
  write_mnist(folder);
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  expect_error<DataError>([&] { open_dataset(folder.path(), kSmall); },
                          {folder.path(), "no t10k-labels-idx1-ubyte"});
}

TEST(Dataset, SaysWhatItLookedForAndWhatIsThere) {
  const ScratchFolder folder;
  expect_error<DataError>([&] { open_dataset(folder.path(), kSmall); },
                          {folder.path(), "train-images-idx3-ubyte", "is empty"});
  write_text(folder / "cat\n.png", "");
  expect_error<DataError>([&] { open_dataset(folder.path(), kSmall); }, {"has cat?.png"});
  for (char name = 'a'; name < 'z'; ++name) write_text(folder / std::string(1, name), "");
  expect_error<DataError>([&] { open_dataset(folder.path(), kSmall); }, {"a, b, c", "and 18 more"});
}

TEST(Dataset, RefusesImagesForAModelOfTokens) {
  const ScratchFolder folder;
  write_mnist(folder);
  expect_error<DataError>(
      [&] {
        open_dataset(folder.path(), {Shape{12}, 10, TextFormat{100, {12}}});
      },
      {folder.path(), "holds no text", "tokens [12]"});
  expect_error<UsageError>([&] { open_dataset(folder.path(), kSmall, "qa1"); }, {"--task qa1"});
}

TEST(Dataset, RefusesWhatIsNoFolder) {
  const ScratchFolder folder;
  expect_error<DataError>([&] { open_dataset(folder / "none", kSmall); },
                          {folder / "none", "no such"});
  write_text(folder / "file", "");
  expect_error<DataError>([&] { open_dataset(folder / "file", kSmall); }, {"is not a folder"});
}

TEST(Synthetic, HasTheSizeAskedFor) {
  EXPECT_EQ(open_dataset("synthetic", kSmall)->count(Part::train), 60000);
  EXPECT_EQ(open_dataset("synthetic", kSmall)->count(Part::test), 10000);
  EXPECT_EQ(open_dataset("synthetic:600", kSmall)->count(Part::test), 100);
  EXPECT_EQ(open_dataset("synthetic:1", kSmall)->count(Part::test), 1);
  open_and_read_all("synthetic:1", kSmall);
  for (const char* source :
       {"synthetic:", "synthetic:0", "synthetic:-1", "synthetic:1x", "synthetic: 1",
        "synthetic:1.5", "synthetic:99999999999999999999", "synthetic:100000001"})
    expect_error<UsageError>([&] { open_dataset(source, kSmall); }, {source, "from 1 to"});
}

TEST(Synthetic, IsTheSameEveryTimeAndDiffersBetweenParts) {
  const auto data = open_dataset("synthetic:3000", {Shape{28, 28}, 10});
  const std::vector<std::byte> train = observations(*data, Part::train);
  EXPECT_TRUE(train == observations(*data, Part::train));
  const std::vector<std::byte> test = observations(*data, Part::test);
  EXPECT_FALSE(std::equal(test.begin(), test.begin() + 784, train.begin()));
  EXPECT_NE(data->read_labels(Part::train)[0] * 10 + data->read_labels(Part::train)[1],
            data->read_labels(Part::test)[0] * 10 + data->read_labels(Part::test)[1]);
}

// The nearest class mean of the training part must classify the test part.
TEST(Synthetic, IsLearnable) {
  constexpr std::size_t kSize = 49;
  constexpr std::size_t kClasses = 7;
  const auto data = open_dataset("synthetic:1200", {Shape{7, 7}, kClasses});
  const std::vector<std::byte> train = observations(*data, Part::train);
  const std::vector<std::uint8_t> labels = data->read_labels(Part::train);
  std::array<std::array<double, kSize>, kClasses> means{};
  std::array<double, kClasses> counts{};
  for (std::size_t i = 0; i < labels.size(); ++i) ++counts.at(labels[i]);
  for (std::size_t i = 0; i < train.size(); ++i)
    means[labels[i / kSize]][i % kSize] +=
        std::to_integer<int>(train[i]) / counts[labels[i / kSize]];

  const std::vector<std::byte> test = observations(*data, Part::test);
  const std::vector<std::uint8_t> truth = data->read_labels(Part::test);
  std::size_t right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    std::array<double, kClasses> distance{};
    for (std::size_t c = 0; c < kClasses; ++c)
      for (std::size_t j = 0; j < kSize; ++j) {
        const double difference = std::to_integer<int>(test[i * kSize + j]) - means[c][j];
        distance[c] += difference * difference;
      }
    right += static_cast<std::size_t>(std::min_element(distance.begin(), distance.end()) -
                                      distance.begin()) == truth[i];
  }
  EXPECT_GT(right, truth.size() * 95 / 100);
}

// The kind of tokens that an observation has most of tells its class.
TEST(Synthetic, MakesTokensThatTellTheClass) {
  constexpr std::size_t kLength = 64, kClasses = 3;
  const DatasetExpectation expected{Shape{kLength}, kClasses, TextFormat{20, {kLength}}};
  const auto data = open_dataset("synthetic:600", expected);
  const auto rows = token_rows(*data, Part::train);
  const auto labels = data->read_labels(Part::train);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::array<int, kClasses> kinds{};
    for (std::int32_t token : rows[i]) {
      ASSERT_TRUE(token >= 0 && token < 20) << token;
      ++kinds[static_cast<std::size_t>(token) % kClasses];
    }
    EXPECT_EQ(std::max_element(kinds.begin(), kinds.end()) - kinds.begin(), labels[i]);
  }
  std::vector<std::int32_t> row(kLength);
  data->rows(Part::train)->read(417, {}, std::as_writable_bytes(std::span(row)));
  EXPECT_EQ(row, rows[417]);
  open_and_read_all("synthetic:5", {Shape{4}, 9, TextFormat{2, {4}}});
  EXPECT_EQ(default_synthetic_count({Shape{1 << 14}, 2, TextFormat{9, {1 << 14}}}) % 256, 0);
}

TEST(Arrays, OfTokensAreBelowTheVocabulary) {
  const auto make = [](std::int32_t token) {
    ArrayPart part{std::vector<std::int32_t>{1, 2, 0, token}, std::vector<std::uint8_t>{0, 1}};
    return make_dataset(Shape{2}, 2, part, part, 5);
  };
  EXPECT_EQ(token_rows(*make(4), Part::test),
            (std::vector<std::vector<std::int32_t>>{{1, 2}, {0, 4}}));
  for (std::int32_t token : {5, -1})
    expect_error<DataError>([&] { make(token); }, {"arrays: token " + std::to_string(token),
                                                   "observation 1 of the train part", "of 5"});
}

TEST(FashionMnist, HasSixThousandObservationsOfEachClass) {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not installed";
  const auto data = open_dataset(folder, {Shape{784}, 10});
  EXPECT_EQ(data->count(Part::train), 60000);
  EXPECT_EQ(data->count(Part::test), 10000);
  std::array<int, 10> histogram{};
  for (std::uint8_t label : data->read_labels(Part::train)) ++histogram.at(label);
  for (int count : histogram) EXPECT_EQ(count, 6000);
  std::uint64_t sum = 0;
  for (std::byte byte : observations(*data, Part::test))
    sum += std::to_integer<std::uint64_t>(byte);
  EXPECT_NEAR(static_cast<double>(sum) / (10000 * 784) / 255, 0.2868,
              0.0001);  // the known test mean
}

}  // namespace
}  // namespace engine
