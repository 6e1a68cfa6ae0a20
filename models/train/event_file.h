// Metrics as TensorBoard reads them: event files under RUN/events, one folder each for training,
// validation and test, with the tags that Keras uses (epoch_loss, epoch_accuracy,
// epoch_learning_rate) and the epoch, counted from 1, as the step.
//
// An event file is a sequence of TFRecords: a length (u64), the masked CRC-32C of the length, the
// message, and its masked CRC-32C, all little-endian. A run that is resumed goes on in a new file,
// which begins by declaring a session that starts at the first epoch to come: for TensorBoard that
// takes back what the earlier files hold from there on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "models/train/metrics_log.h"

namespace engine {

/// One record around `message`.
std::string event_record(std::string_view message);

class EventLog {
 public:
  /// Logs under `folder` for a run that has `epochs` epochs behind it. Files are made when there is
  /// something to put into them; but those that take back epochs of an earlier session, at once.
  EventLog(std::string folder, std::int64_t epochs);

  /// Adds what the row has. Throws FileError; a file then lacks the row, but is whole.
  void add(const EpochMetrics& row);

 private:
  /// The file of "train", "validation" or "test" that this session writes, begun if need be.
  const std::string& file(const std::string& part);

  std::string folder_;
  std::int64_t epochs_;
  std::map<std::string, std::string> files_;
};

}  // namespace engine
