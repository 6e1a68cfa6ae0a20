// Folders of images by class: with and without parts, with broken images, and those that are not.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "models/data/dataset.h"
#include "tests/models/data/image_files.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

const DatasetExpectation kExpected{Shape{3, 6, 8}, 4};

/// `count` flat images of this value, as <folder>/<first>_0.png and so on.
void write_images(const std::string& folder, int count, std::uint8_t value,
                  const std::string& first = "image") {
  std::filesystem::create_directories(folder);
  const Image image{4, 5, 1, std::vector<std::uint8_t>(20, value)};
  for (int i = 0; i < count; ++i)
    write_text(folder + "/" + first + std::to_string(i) + ".png", png_bytes(image));
}

std::vector<std::uint8_t> observations(const Dataset& data, Part part) {
  std::vector<std::uint8_t> out;
  data.read_observations(part, [&](std::span<const std::byte> bytes) {
    EXPECT_LE(bytes.size(), kSinkBytes);
    for (std::byte byte : bytes) out.push_back(std::to_integer<std::uint8_t>(byte));
  });
  return out;
}

/// Image values are 10 times their label here.
void expect_labels_match(const Dataset& data, Part part) {
  const std::vector<std::uint8_t> bytes = observations(data, part), labels = data.read_labels(part);
  const std::size_t row = data.observation_type().bytes();
  ASSERT_EQ(bytes.size(), labels.size() * row);
  EXPECT_EQ(static_cast<std::int64_t>(labels.size()), data.count(part));
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], labels[i / row] * 10) << i;
}

TEST(ImageFolder, ReadsPartsByClass) {
  const ScratchFolder folder;
  write_images(folder / "train/ape", 5, 0);
  write_images(folder / "train/bee", 3, 10);
  write_images(folder / "test/bee", 2, 10);
  write_images(folder / "validation/ape", 1, 0);
  write_text(folder / "train/ape/notes.txt", "no image");
  std::filesystem::create_directory(folder / "train/.hidden");
  const auto data = open_dataset(folder.path(), kExpected);
  EXPECT_EQ(data->observation_type(), (TensorType{Shape{3, 6, 8}, DType::u8}));
  EXPECT_EQ(data->count(Part::train), 8);
  EXPECT_EQ(data->count(Part::test), 2);
  EXPECT_EQ(data->count(Part::validation), 1);
  for (Part part : {Part::train, Part::test, Part::validation}) expect_labels_match(*data, part);
  EXPECT_NE(data->description().find("2 classes"), std::string::npos);
  EXPECT_EQ(data->class_names(), (std::vector<std::string>{"ape", "bee"}));
  // Read again, the order is the same.
  EXPECT_EQ(open_dataset(folder.path(), kExpected)->read_labels(Part::train),
            data->read_labels(Part::train));
}

TEST(ImageFolder, TestsOnValidationWhereThereIsNoTest) {
  const ScratchFolder folder;
  write_images(folder / "train/ape", 5, 0);
  write_images(folder / "validation/ape", 2, 0);
  const auto data = open_dataset(folder.path(), kExpected);
  EXPECT_EQ(data->count(Part::test), 2);
  EXPECT_EQ(data->count(Part::validation), 0);
}

TEST(ImageFolder, KeepsEveryTenthImageForTestingWhereThereAreClassesAlone) {
  const ScratchFolder folder;
  write_images(folder / "ape", 30, 0);
  write_images(folder / "bee", 25, 10);
  write_images(folder / "cat", 9, 20);
  const auto data = open_dataset(folder.path(), kExpected);
  EXPECT_EQ(data->count(Part::train), 27 + 23 + 9);
  EXPECT_EQ(data->count(Part::test), 3 + 2);
  for (Part part : {Part::train, Part::test}) expect_labels_match(*data, part);
  EXPECT_NE(data->description().find("every tenth"), std::string::npos);
}

// What is cut off the end for validation must not be one class alone.
TEST(ImageFolder, MixesClasses) {
  const ScratchFolder folder;
  for (int i = 0; i < 4; ++i)
    write_images(folder / ("train/" + std::to_string(i)), 50, static_cast<std::uint8_t>(10 * i));
  write_images(folder / "test/0", 1, 0);
  const auto data = split_validation(open_dataset(folder.path(), kExpected), 0.2);
  std::array<int, 4> seen{};
  for (std::uint8_t label : data->read_labels(Part::validation)) ++seen.at(label);
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 2);
}

TEST(ImageFolder, ServesGrayModels) {
  const ScratchFolder folder;
  write_images(folder / "train/ape", 1, 77);
  write_images(folder / "test/ape", 1, 77);
  for (const Shape& shape : {Shape{1, 3, 3}, Shape{3, 3}}) {
    const auto data = open_dataset(folder.path(), {shape, 4});
    EXPECT_EQ(data->observation_type().shape, shape);
    EXPECT_EQ(observations(*data, Part::train), std::vector<std::uint8_t>(9, 77));
  }
  for (const Shape& shape : {Shape{27}, Shape{2, 3, 3}, Shape{3, 3, 3, 3}, Shape{3, 1, 1000000}})
    expect_error<DataError>(
        [&] {
          open_dataset(folder.path(), {shape, 4});
        },
        {folder.path(), shape.to_string()});
}

TEST(ImageFolder, GoesWithoutBrokenImagesOrNamesThem) {
  const ScratchFolder folder;
  write_images(folder / "train/ape", 3, 0);
  write_images(folder / "train/bee", 3, 10);
  write_images(folder / "test/bee", 1, 10);
  write_text(folder / "train/ape/image1.png", "no image at all");
  const std::string jpeg = jpeg_bytes(gradient_image(16, 16));
  write_text(folder / "train/bee/cut.JPG", jpeg.substr(0, jpeg.size() / 2));
  std::filesystem::create_directory(folder / "train/bee/folder.png");
  const auto data = open_dataset(folder.path(), kExpected);
  EXPECT_EQ(data->count(Part::train), 5);
  expect_labels_match(*data, Part::train);

  DatasetExpectation strict = kExpected;
  strict.reject_broken_images = true;
  const auto refused = open_dataset(folder.path(), strict);
  EXPECT_EQ(refused->count(Part::test), 1);
  expect_error<DataError>([&] { refused->count(Part::train); }, {folder / "train/"});
  write_text(folder / "test/bee/image0.png", "");
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected)->count(Part::test); },
                          {folder.path(), "all 1 images of a part are broken"});
}

TEST(ImageFolder, RefusesClassesThatDoNotFit) {
  const ScratchFolder folder;
  for (const char* name : {"a", "b", "c", "d", "e"})
    write_images(folder / (std::string("train/") + name), 1, 0);
  write_images(folder / "test/a", 1, 0);
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {folder / "train", "5 classes", "at most 4"});
  std::filesystem::remove_all(folder / "train/e");
  write_images(folder / "test/e", 1, 0);
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {folder / "test/e", "no class"});
  std::filesystem::remove_all(folder / "test");
  expect_error<DataError>([&] { open_dataset(folder.path(), kExpected); },
                          {folder.path(), "4 images for training and 0 for testing"});
}

}  // namespace
}  // namespace engine
