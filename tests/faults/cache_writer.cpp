// cache_writer PATH OWN COUNT: stores COUNT records named OWN-1, OWN-2, … and as many that other
// writers store too, and prints the name of each when it has been stored.
#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>

#include "engine/core/version.h"
#include "engine/tune/algorithm_cache.h"

namespace engine {
namespace {

TuningRecord make_record(const std::string& problem, const std::string& writer) {
  TuningRecord record{problem, "cpu", kVersion, 0, {}};
  record.results.push_back({"candidate", writer, 1, 12.5, 0.25});
  return record;
}

int write_records(const std::string& path, const std::string& own, int count) {
  AlgorithmCache cache(path);
  for (int i = 1; i <= count; ++i)
    for (const std::string& name : {fmt::format("{}-{}", own, i), fmt::format("shared-{}", i)}) {
      cache.store(make_record(name, own));
      fmt::print("{}\n", name);
      if (std::fflush(stdout) != 0) return 1;
    }
  return 0;
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string_view text = argv[3];
  int count = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc{}) return 2;
  return engine::write_records(argv[1], argv[2], count);
}
