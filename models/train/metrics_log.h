// One row of metrics an epoch, as CSV for spreadsheets and as JSON lines for programs. Rows are
// added whole and synchronized; numbers have the fewest digits that read back as the same value,
// and a point.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What was not measured is empty: no column value, no JSON field.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< counted from 1
  std::optional<double> loss;
  std::optional<double> accuracy;  ///< in [0, 1], as the others
  std::optional<double> validation_loss;
  std::optional<double> validation_accuracy;
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;
  std::optional<double> seconds;
  std::optional<double> samples_per_second;
  std::optional<double> learning_rate;

  bool operator==(const EpochMetrics&) const = default;
};

/// `"epoch":1,"loss":0.5,…` without braces, for whoever prints a row as JSON; null for what is not
/// finite.
std::string to_json_fields(const EpochMetrics& metrics);

class MetricsLog {
 public:
  MetricsLog(std::string csv_path, std::string jsonl_path)
      : csv_path_(std::move(csv_path)), jsonl_path_(std::move(jsonl_path)) {}

  /// Replaces both files by ones with exactly `rows`.
  void replace(const std::vector<EpochMetrics>& rows) const;
  /// Adds a row to both files; on failure takes a partial line back and throws FileError.
  void append(const EpochMetrics& row) const;
  /// The rows of the CSV file, without lines that are damaged or, at the end, unfinished (one
  /// warning for all of them). No file is no rows.
  std::vector<EpochMetrics> read() const;
  /// Drops rows after `epoch`, and whatever was damaged: what a resumed run starts with.
  void keep_until(std::int64_t epoch) const;

 private:
  std::string csv_path_;
  std::string jsonl_path_;
};

}  // namespace engine
