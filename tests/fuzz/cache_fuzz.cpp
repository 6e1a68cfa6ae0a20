// The algorithm cache: any file gives a cache, and lines that are accepted survive being written.
#include <filesystem>

#include "engine/core/error.h"
#include "engine/tune/algorithm_cache.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  engine::fuzz::silence_log();
  const std::string& path = engine::fuzz::file_of(data, size);
  const auto before = engine::AlgorithmCache(path, engine::AlgorithmCache::Access::read_only);
  engine::write_cache(path, before.records());
  engine::fuzz::require(engine::AlgorithmCache(path).records() == before.records(),
                        "records that change when they are written");
  try {
    engine::tuning_record_from_json({reinterpret_cast<const char*>(data), size});
  } catch (const engine::DataError&) {
    return 0;
  }
  return 0;
}
