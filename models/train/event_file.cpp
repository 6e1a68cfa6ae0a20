#include "models/train/event_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "engine/core/crc32c.h"
#include "engine/core/error.h"
#include "engine/core/file.h"
#include "models/train/event.pb.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "events.out.tfevents.";

struct Scalar {
  const char* tag;
  std::optional<double> EpochMetrics::*value;
};
struct EventPart {
  const char* name;
  std::vector<Scalar> scalars;
};
const std::array<EventPart, 3>& parts() {
  static const std::array<EventPart, 3> all{
      {{"train",
        {{"epoch_loss", &EpochMetrics::loss},
         {"epoch_accuracy", &EpochMetrics::accuracy},
         {"epoch_learning_rate", &EpochMetrics::learning_rate}}},
       {"validation",
        {{"epoch_loss", &EpochMetrics::validation_loss},
         {"epoch_accuracy", &EpochMetrics::validation_accuracy}}},
       {"test",
        {{"epoch_loss", &EpochMetrics::test_loss},
         {"epoch_accuracy", &EpochMetrics::test_accuracy}}}}};
  return all;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes += static_cast<char>((value >> (8 * i)) & 0xFFu);
  return bytes;
}

// Stored CRCs are rotated and offset, so that the CRC of data that holds CRCs stays meaningful.
std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

events::Event new_event(std::int64_t step) {
  events::Event event;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  event.set_wall_time(std::chrono::duration<double>(now).count());
  event.set_step(step);
  return event;
}

std::string record(const events::Event& event) {
  return event_record(event.SerializeAsString());
}

// TensorBoard reads the files of a folder in the order of their names, so a new name must come
// last, whatever the clock says: the time, or one more than the latest name has.
std::string next_name(const std::string& folder) {
  std::int64_t number = std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().native();
    if (!name.starts_with(kPrefix)) continue;
    std::int64_t taken = 0;
    const char* digits = name.data() + kPrefix.size();
    if (std::from_chars(digits, name.data() + name.size(), taken).ec == std::errc{} &&
        taken < std::int64_t{9'999'999'999})
      number = std::max(number, taken + 1);
  }
  if (error) throw FileError(fmt::format("{}: cannot be listed: {}", folder, error.message()));
  return fmt::format("{}/{}{:010}.engine", folder, kPrefix, number);
}

}  // namespace

std::string event_record(std::string_view message) {
  const std::string length = little_endian(static_cast<std::uint64_t>(message.size()));
  std::string out = length + little_endian(masked_crc(length));
  out += message;
  return out + little_endian(masked_crc(message));
}

EventLog::EventLog(std::string folder, std::int64_t epochs)
    : folder_(std::move(folder)), epochs_(epochs) {
  std::error_code none;  // what cannot be examined is not there
  for (const EventPart& part : parts())
    if (fs::is_directory(folder_ + "/" + part.name, none)) file(part.name);
}

const std::string& EventLog::file(const std::string& part) {
  std::string& path = files_[part];
  if (!path.empty()) return path;
  const std::string folder = folder_ + "/" + part;
  make_folder(folder);
  events::Event version = new_event(0);
  version.set_file_version("brain.Event:2");
  events::Event start = new_event(epochs_ + 1);
  start.mutable_session_log()->set_status(events::SessionLog::START);
  const std::string name = next_name(folder);
  append_to_file(name, record(version) + record(start));
  return path = name;
}

void EventLog::add(const EpochMetrics& row) {
  for (const EventPart& part : parts()) {
    events::Event event = new_event(row.epoch);
    for (const Scalar& scalar : part.scalars) {
      const std::optional<double>& value = row.*scalar.value;
      if (!value) continue;
      events::Summary::Value* entry = event.mutable_summary()->add_value();
      entry->set_tag(scalar.tag);
      entry->set_simple_value(static_cast<float>(*value));
    }
    if (event.has_summary()) append_to_file(file(part.name), record(event));
  }
}

}  // namespace engine
