// IDX files, plain, and compressed where they begin like gzip.
#include "engine/core/error.h"
#include "models/data/idx.h"
#include "tests/fuzz/fuzz.h"

using engine::fuzz::file_of;
using engine::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool is_gzip = size > 1 && data[0] == 0x1f && data[1] == 0x8b;
  const std::string& path = file_of(data, size, is_gzip ? ".gz" : "");
  for (int rank : {1, 3}) try {
      const engine::IdxFile file(path, rank);
      std::int64_t bytes = 0;
      file.read([&](std::span<const std::byte> part) {
        bytes += static_cast<std::int64_t>(part.size());
      });
      require(bytes == file.shape().element_count(), "an IDX file of another size than its shape");
    } catch (const engine::DataError&) {
      continue;
    }
  return 0;
}
