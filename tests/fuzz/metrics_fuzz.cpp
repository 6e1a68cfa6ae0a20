// metrics.csv: any file gives rows, and they survive being written.
#include "models/train/metrics_log.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  engine::fuzz::silence_log();
  const std::string& path = engine::fuzz::file_of(data, size);
  const engine::MetricsLog log(path, path + ".jsonl");
  const std::vector<engine::EpochMetrics> rows = log.read();
  log.replace(rows);
  // A NaN is not equal to itself, so rows are counted and their text compared.
  const std::vector<engine::EpochMetrics> again = log.read();
  engine::fuzz::require(again.size() == rows.size(), "rows that are lost when they are written");
  for (std::size_t i = 0; i < rows.size(); ++i)
    engine::fuzz::require(to_json_fields(again[i]) == to_json_fields(rows[i]),
                          "rows that change when they are written");
  return 0;
}
