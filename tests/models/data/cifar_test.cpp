// CIFAR-10 and CIFAR-100 folders: well-formed, as they unpack, and with every fault they can have.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "models/data/cifar_file.h"
#include "models/data/dataset.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

const DatasetExpectation kExpected{Shape{3, 32, 32}, 10};

/// Image `number` of a test: no two are alike.
std::string image(int number) {
  std::string bytes(CifarFile::kImageBytes, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 5 + i / 253 + static_cast<std::size_t>(number) * 11);
  return bytes;
}

/// Records with these labels, after `coarse` where there is one.
std::string records(std::string_view labels, std::string_view coarse = "") {
  std::string bytes;
  int number = 0;
  for (char label : labels) bytes.append(coarse).append(1, label).append(image(number++));
  return bytes;
}

void write_cifar10(const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (char batch = 1; batch <= 5; ++batch)
    write_text(folder + "/data_batch_" + std::to_string(batch) + ".bin",
               records(std::string{batch, static_cast<char>(batch + 1)}));
  write_text(folder + "/test_batch.bin", records("\7"));
  write_text(folder + "/batches.meta.txt", "airplane\n");
}

std::string observations(const Dataset& data, Part part) {
  std::string out;
  data.read_observations(part, [&](std::span<const std::byte> bytes) {
    EXPECT_LE(bytes.size(), kSinkBytes);
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return out;
}

TEST(Cifar10, ReadsAllBatchesInOrder) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  const auto data = open_dataset(folder.path(), kExpected);
  EXPECT_EQ(data->observation_type(), (TensorType{Shape{3, 32, 32}, DType::u8}));
  EXPECT_EQ(data->count(Part::train), 10);
  EXPECT_EQ(data->count(Part::test), 1);
  EXPECT_EQ(data->count(Part::validation), 0);
  EXPECT_EQ(data->read_labels(Part::train),
            (std::vector<std::uint8_t>{1, 2, 2, 3, 3, 4, 4, 5, 5, 6}));
  EXPECT_EQ(data->read_labels(Part::test), std::vector<std::uint8_t>{7});
  std::string expected;
  for (int batch = 0; batch < 5; ++batch) expected += image(0) + image(1);
  EXPECT_TRUE(observations(*data, Part::train) == expected);
  EXPECT_TRUE(observations(*data, Part::test) == image(0));
  EXPECT_NE(data->description().find("CIFAR-10"), std::string::npos);
}

TEST(Cifar10, NamesItsClassesWhereAFileHasAsManyNames) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  EXPECT_TRUE(open_dataset(folder.path(), kExpected)->class_names().empty());
  write_text(folder / "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\n\x1bj\n\n");
  const std::vector<std::string> names = open_dataset(folder.path(), kExpected)->class_names();
  ASSERT_EQ(names.size(), 10u);
  EXPECT_EQ(names[2], "c");
  EXPECT_EQ(names[9], "?j");
  std::filesystem::remove(folder / "batches.meta.txt");
  EXPECT_TRUE(open_dataset(folder.path(), kExpected)->class_names().empty());
}

TEST(Cifar10, IsFoundInTheFolderThatTheArchiveUnpacksTo) {
  const ScratchFolder folder;
  write_cifar10(folder / "cifar-10-batches-bin");
  EXPECT_EQ(open_dataset(folder.path(), kExpected)->count(Part::train), 10);
}

TEST(Cifar10, ServesFlatModelsToo) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  EXPECT_EQ(open_dataset(folder.path(), {Shape{3072}, 10})->observation_type().shape, Shape{3072});
  for (const Shape& shape : {Shape{32, 32, 3}, Shape{3071}, Shape{1, 32, 32}})
    expect_error<DataError>(
        [&] {
          open_dataset(folder.path(), {shape, 10});
        },
        {folder.path(), "[3, 32, 32]", shape.to_string()});
}

TEST(Cifar10, ReadsMoreRecordsThanFitOneCall) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  const std::string labels(400, '\3');
  write_text(folder / "test_batch.bin", records(labels));
  const auto data = open_dataset(folder.path(), kExpected);
  EXPECT_EQ(data->count(Part::test), 400);
  EXPECT_EQ(data->read_labels(Part::test), std::vector<std::uint8_t>(400, 3));
  EXPECT_TRUE(observations(*data, Part::test).substr(399 * CifarFile::kImageBytes) == image(399));
}

TEST(Cifar10, NamesTheFileThatIsMissing) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  std::filesystem::remove(folder / "data_batch_4.bin");
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {folder.path(), "no data_batch_4.bin"});
}

TEST(Cifar10, RefusesWhatIsNotAWholeNumberOfRecords) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  for (std::size_t size : {1, 3072, 3074, 6145}) {
    write_text(folder / "data_batch_2.bin", records("\1\2\3").substr(0, size));
    expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                            {"data_batch_2.bin", std::to_string(size) + " bytes", "3073"});
  }
  write_text(folder / "data_batch_2.bin", "");
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {"data_batch_2.bin", "0 bytes", "is empty"});
  std::filesystem::remove(folder / "data_batch_2.bin");
  std::filesystem::create_directory(folder / "data_batch_2.bin");
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {"data_batch_2.bin", "is not a regular file"});
}

TEST(Cifar10, RefusesLabelsOutOfRange) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  write_text(folder / "data_batch_5.bin", records("\1\12"));
  const auto data = open_dataset(folder.path(), kExpected);
  expect_error<DataError>([&] { data->read_labels(Part::train); },
                          {"data_batch_5.bin", "label 10 of observation 1", "below 10"});
}

TEST(Cifar10, RefusesAFileThatChangedWhileInUse) {
  const ScratchFolder folder;
  write_cifar10(folder.path());
  const auto data = open_dataset(folder.path(), kExpected);
  write_text(folder / "test_batch.bin", records("\1\2"));
  expect_error<DataError>([&] { observations(*data, Part::test); },
                          {"test_batch.bin", "3073", "6146"});
}

TEST(Cifar100, TakesTheFineLabel) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "cifar-100-binary");
  write_text(folder / "cifar-100-binary/train.bin", records("\142\2", "\23"));
  write_text(folder / "cifar-100-binary/test.bin", records("\77", "\377"));
  const auto data = open_dataset(folder.path(), {Shape{3, 32, 32}, 100});
  EXPECT_EQ(data->read_labels(Part::train), (std::vector<std::uint8_t>{98, 2}));
  EXPECT_EQ(data->read_labels(Part::test), std::vector<std::uint8_t>{63});
  EXPECT_TRUE(observations(*data, Part::train) == image(0) + image(1));
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected)->read_labels(Part::test); },
                          {"test.bin", "label 63 of observation 0", "below 10"});
  write_text(folder / "cifar-100-binary/test.bin", records("\77"));
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {"test.bin", "3073 bytes", "3074"});
}

}  // namespace
}  // namespace engine
