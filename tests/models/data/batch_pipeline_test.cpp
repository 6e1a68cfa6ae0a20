// Rows read one by one are those of the whole, and batches are made of the right ones, whoever
// reads them; what goes wrong reaches the one who waits.
#include "models/data/batch_pipeline.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <set>

#include "models/data/memory.h"
#include "models/data/synthetic.h"
#include "tests/models/data/idx_files.h"
#include "tests/models/data/image_files.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

using Bytes = std::vector<std::byte>;

Bytes observations(const Dataset& data, Part part) {
  Bytes out;
  data.read_observations(part, [&](std::span<const std::byte> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  return out;
}

void expect_the_same_rows(const Dataset& data) {
  const std::size_t size = data.observation_type().bytes();
  for (Part part : {Part::train, Part::test, Part::validation}) {
    if (data.count(part) == 0) continue;
    const Bytes all = observations(data, part);
    const auto rows = data.rows(part);
    Bytes row(size);
    for (std::size_t i = all.size() / size; i-- > 0;) {
      rows->read(static_cast<std::int64_t>(i), {}, row);
      ASSERT_EQ(std::memcmp(row.data(), &all[i * size], size), 0)
          << data.description() << ": row " << i << " for " << part_name(part);
    }
  }
}

/// 40 and 20 images of two classes, of several sizes, in which no two rows are alike.
void write_images(const ScratchFolder& folder) {
  for (const auto& [name, count] :
       {std::pair("train/ape", 40), {"train/bee", 20}, {"test/ape", 3}}) {
    std::filesystem::create_directories(folder / name);
    for (int i = 0; i < count; ++i)
      write_text(folder / name + "/" + std::to_string(i) + (i % 2 == 0 ? ".png" : ".jpg"),
                 i % 2 == 0 ? png_bytes(gradient_image(11 + i % 7, 17))
                            : jpeg_bytes(gradient_image(40 + i, 64)));
  }
}

std::unique_ptr<Dataset> open_images(const ScratchFolder& folder, bool random_crop = false) {
  return open_dataset(folder.path(),
                      {.observation = Shape{3, 7, 14}, .classes = 2, .random_crop = random_crop});
}

TEST(Rows, AreThoseOfTheWhole) {
  const ScratchFolder images, cifar, mnist;
  write_images(images);
  std::string records(3 * 3073, '\0');
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i] = i % 3073 == 0 ? '\1' : static_cast<char>(i * 7 + i / 251);
  for (const char* name : {"1", "2", "3", "4", "5"})
    write_text(cifar / (std::string("data_batch_") + name + ".bin"),
               records.substr(0, 3073u * (1 + (*name % 3))));
  write_text(cifar / "test_batch.bin", records);
  for (const char* part : {"train", "t10k"}) {
    write_text(mnist / (std::string(part) + "-images-idx3-ubyte.gz"), gzip(images_bytes(3, 2, 4)));
    write_text(mnist / (std::string(part) + "-labels-idx1-ubyte"), labels_bytes({"\1\2\0", 3}));
  }
  std::vector<float> numbers(60);
  std::iota(numbers.begin(), numbers.end(), 0.5f);
  const ArrayPart arrays{numbers, std::vector<std::uint8_t>(20, 1)};

  expect_the_same_rows(*make_synthetic(50, {Shape{31}, 4}));
  expect_the_same_rows(*make_dataset(Shape{3}, 2, arrays, arrays));
  expect_the_same_rows(*open_dataset(mnist.path(), {Shape{8}, 3}));
  expect_the_same_rows(*open_images(images));
  expect_the_same_rows(*open_images(images, true));
  expect_the_same_rows(*open_dataset(cifar.path(), {Shape{3, 32, 32}, 10}));
  expect_the_same_rows(*split_validation(make_synthetic(50, {Shape{31}, 4}), 0.3));
}

TEST(Rows, BrokenImagesAreLeftOutOfThemToo) {
  const ScratchFolder folder;
  write_images(folder);
  write_text(folder / "train/ape/4.png", "no image at all");
  const std::string jpeg = read_text(folder / "train/bee/3.jpg");
  write_text(folder / "train/bee/3.jpg", jpeg.substr(0, jpeg.size() / 2));
  const auto data = open_images(folder);
  EXPECT_EQ(data->count(Part::train), 58);
  expect_the_same_rows(*data);
}

constexpr std::int64_t kBatch = 16, kSlots = 4;

/// The slots of a test, and what is in them.
struct Slots {
  explicit Slots(const Dataset& data)
      : observation(data.observation_type().bytes()),
        observations(static_cast<std::size_t>(kSlots * kBatch) * observation),
        targets(static_cast<std::size_t>(kSlots * kBatch)) {}
  BatchSlots places() { return {kSlots, observations.data(), targets.data()}; }
  /// Of the batch of `step`.
  Bytes batch(std::int64_t step, std::int64_t size) const {
    const auto first = static_cast<std::size_t>(step % kSlots * kBatch);
    const auto rows = static_cast<std::size_t>(size);
    Bytes out(rows * (observation + 1));
    std::memcpy(out.data(), &observations[first * observation], rows * observation);
    std::memcpy(&out[rows * observation], &targets[first], rows);
    return out;
  }

  std::size_t observation;
  Bytes observations, targets;
};

BatchIndicesAttributes shuffled(const Dataset& data) {
  const std::int64_t count = data.count(Part::train);
  return {count, kBatch, (count + kBatch - 1) / kBatch, true, random_key(3, "order")};
}

/// Batches [first, end) one after the other, by so many threads; each counts as used at once.
std::vector<Bytes> batches(const Dataset& data, std::int64_t first, std::int64_t end, int threads,
                           std::optional<RandomKey> variation = std::nullopt) {
  const BatchIndicesAttributes order = shuffled(data);
  Slots slots(data);
  BatchPipeline pipeline(
      data, Part::train, order, variation, slots.places(), [](auto) {}, threads);
  pipeline.start(first, end);
  std::vector<Bytes> out;
  for (std::int64_t step = first; step < end; ++step) {
    pipeline.wait(step);
    out.push_back(
        slots.batch(step, std::min(kBatch, order.count - step % order.steps_per_epoch * kBatch)));
    pipeline.release(step + 1);
  }
  return out;
}

TEST(BatchPipeline, MakesTheBatchesOfEachStep) {
  const auto data = make_synthetic(70, {Shape{31}, 4});  // four whole batches and one of 6
  const Bytes all = observations(*data, Part::train);
  const std::vector<std::uint8_t> labels = data->read_labels(Part::train);
  const BatchIndicesAttributes order = shuffled(*data);
  for (int threads : {1, 3, 40}) {
    const std::vector<Bytes> made = batches(*data, 2, 13, threads);
    for (std::int64_t step = 2; step < 13; ++step) {
      const std::int64_t size = step % 5 == 4 ? 6 : kBatch;
      Bytes expected;
      for (std::int64_t i = 0; i < size; ++i) {
        const auto row = all.begin() + 31 * batch_index(order, step, i);
        expected.insert(expected.end(), row, row + 31);
      }
      for (std::int64_t i = 0; i < size; ++i)
        expected.push_back(
            std::byte{labels[static_cast<std::size_t>(batch_index(order, step, i))]});
      EXPECT_TRUE(made[static_cast<std::size_t>(step - 2)] == expected)
          << threads << " threads, step " << step;
    }
  }
}

TEST(BatchPipeline, CutsImagesByKeyEpochAndIndexAlone) {
  const ScratchFolder folder;
  write_images(folder);
  const auto data = open_images(folder, true);
  const RandomKey key = random_key(1, "crop");
  const std::vector<Bytes> one = batches(*data, 0, 8, 1, key);
  EXPECT_EQ(batches(*data, 0, 8, 3, key), one);
  const std::vector<Bytes> later = batches(*data, 5, 8, 2, key);
  EXPECT_TRUE(std::equal(later.begin(), later.end(), one.begin() + 5));
  EXPECT_NE(batches(*data, 0, 8, 1, random_key(2, "crop")), one);
  EXPECT_NE(batches(*data, 0, 8, 1), one);

  // 8 x 16 pixels are cut to 7 x 14: six windows, and all of them are drawn.
  const auto rows = data->rows(Part::train);
  Bytes row(3 * 7 * 14);
  std::set<Bytes> windows;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
    rows->read(0, {key, epoch}, row);
    windows.insert(row);
  }
  EXPECT_EQ(windows.size(), 6u);
  rows->read(0, {}, row);
  EXPECT_EQ(windows.count(row), 1u);
}

TEST(BatchPipeline, NeverTouchesABatchInUse) {
  const auto data = make_synthetic(160, {Shape{31}, 4});
  Slots slots(*data);
  std::atomic<int> delivered = 0;
  BatchPipeline pipeline(
      *data, Part::train, shuffled(*data), std::nullopt, slots.places(), [&](auto) { ++delivered; },
      2);
  pipeline.start(0, 100);
  for (std::int64_t step = 0; step < kSlots; ++step) pipeline.wait(step);
  const Bytes before = slots.observations;
  pipeline.release(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(delivered, kSlots);
  EXPECT_TRUE(slots.observations == before);
  pipeline.release(1);
  pipeline.wait(kSlots);
  EXPECT_EQ(delivered, kSlots + 1);
}

TEST(BatchPipeline, EndsAtAnyTimeAndStartsAnew) {
  const auto data = make_synthetic(70, {Shape{31}, 4});
  const std::vector<Bytes> expected = batches(*data, 0, 5, 1);
  Slots slots(*data);
  BatchPipeline pipeline(
      *data, Part::train, shuffled(*data), std::nullopt, slots.places(), [](auto) {}, 3);
  for (int round = 0; round < 20; ++round) {
    pipeline.start(0, 1000);
    if (round % 2 == 0) continue;
    pipeline.wait(1);
    EXPECT_TRUE(slots.batch(1, kBatch) == expected[1]);
  }
  pipeline.start(7, 7);
}

TEST(BatchPipeline, FailuresReachWhoWaits) {
  const ScratchFolder folder;
  write_images(folder);
  const auto data = open_images(folder);
  EXPECT_EQ(data->count(Part::train), 60);
  write_text(folder / "train/ape/6.png", "damaged since");
  const auto go_through = [](const Dataset& set, BatchPipeline::Deliver deliver) {
    Slots slots(set);
    BatchPipeline pipeline(set, Part::train, shuffled(set), std::nullopt, slots.places(),
                           std::move(deliver), 3);
    pipeline.start(0, 4);
    for (std::int64_t step = 0; step < 4; ++step) pipeline.wait(step);
  };
  expect_error<DataError>([&] { go_through(*data, [](auto) {}); },
                          {folder / "train/ape/6.png", "neither like a JPEG"});
  const auto fail = [](auto) { throw DeviceError("no copy", true); };
  expect_error<DeviceError>(
      [&] {
        go_through(*make_synthetic(60, {Shape{3}, 2}), fail);
      },
      {"no copy"});
}

}  // namespace
}  // namespace engine
