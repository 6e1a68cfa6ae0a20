// TensorBoard's event files, decoded record by record as its reader does.
#include "models/train/event_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "engine/core/crc32c.h"
#include "models/train/event.pb.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

std::uint64_t read_integer(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::uint64_t unmask(std::uint64_t masked) {
  const auto rotated = static_cast<std::uint32_t>(masked - 0xA282EAD8u);
  return (rotated >> 17) | static_cast<std::uint32_t>(rotated << 15);
}

std::vector<events::Event> decode(std::string_view bytes) {
  std::vector<events::Event> all;
  while (!bytes.empty()) {
    const std::uint64_t length = read_integer(bytes.substr(0, 8));
    EXPECT_EQ(crc32c(bytes.substr(0, 8)), unmask(read_integer(bytes.substr(8, 4))));
    const std::string_view message = bytes.substr(12, length);
    EXPECT_EQ(crc32c(message), unmask(read_integer(bytes.substr(12 + length, 4))));
    EXPECT_TRUE(all.emplace_back().ParseFromArray(message.data(), static_cast<int>(length)));
    bytes.remove_prefix(16 + length);
  }
  return all;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().native());
  std::sort(names.begin(), names.end());
  return names;
}

EpochMetrics row(int epoch) {
  EpochMetrics metrics;
  metrics.epoch = epoch;
  metrics.loss = 1.0 / epoch;
  metrics.accuracy = 0.5;
  metrics.validation_loss = 2.0 / epoch;
  metrics.learning_rate = 1e-3;
  return metrics;
}

TEST(Crc32c, IsThatOfItsStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
}

TEST(EventLog, WritesKerasTagsForEachPart) {
  const ScratchFolder folder;
  EventLog log(folder / "events", 0);
  log.add(row(1));
  log.add(row(2));
  EXPECT_FALSE(std::filesystem::exists(folder / "events/test"));
  const std::vector<std::string> files = files_in(folder / "events/train");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_NE(files[0].find("events.out.tfevents."), std::string::npos);
  const std::vector<events::Event> train = decode(read_text(files[0]));
  ASSERT_EQ(train.size(), 4u);
  EXPECT_EQ(train[0].file_version(), "brain.Event:2");
  EXPECT_EQ(train[1].session_log().status(), events::SessionLog::START);
  EXPECT_EQ(train[1].step(), 1);
  EXPECT_EQ(train[3].step(), 2);
  EXPECT_GT(train[3].wall_time(), 1.6e9);
  ASSERT_EQ(train[3].summary().value_size(), 3);
  EXPECT_EQ(train[3].summary().value(0).tag(), "epoch_loss");
  EXPECT_EQ(train[3].summary().value(0).simple_value(), 0.5f);
  EXPECT_EQ(train[3].summary().value(1).tag(), "epoch_accuracy");
  EXPECT_EQ(train[3].summary().value(2).tag(), "epoch_learning_rate");
  const std::vector<events::Event> validation =
      decode(read_text(files_in(folder / "events/validation").at(0)));
  ASSERT_EQ(validation.size(), 4u);
  EXPECT_EQ(validation[2].summary().value_size(), 1);
}

TEST(EventLog, AResumedRunTakesBackLaterEpochsInANewFile) {
  const ScratchFolder folder;
  EventLog first(folder.path(), 0);
  for (int epoch : {1, 2, 3}) first.add(row(epoch));
  const std::string before = read_text(files_in(folder / "train").at(0));
  EventLog second(folder.path(), 2);
  second.add(row(3));
  const std::vector<std::string> files = files_in(folder / "train");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(read_text(files[0]), before);
  const std::vector<events::Event> resumed = decode(read_text(files[1]));
  ASSERT_EQ(resumed.size(), 3u);
  EXPECT_EQ(resumed[1].session_log().status(), events::SessionLog::START);
  EXPECT_EQ(resumed[1].step(), 3);
  EXPECT_EQ(resumed[2].step(), 3);
  EXPECT_EQ(files_in(folder / "validation").size(), 2u);
}

TEST(EventLog, NamesItsFileAfterThoseThatAreThere) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder / "train");
  write_text(folder / "train/events.out.tfevents.4000000000.elsewhere", "");
  EventLog log(folder.path(), 1);
  log.add(row(2));
  EXPECT_EQ(files_in(folder / "train").at(1),
            folder / "train/events.out.tfevents.4000000001.engine");
}

}  // namespace
}  // namespace engine
