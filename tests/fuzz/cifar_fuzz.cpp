// Files of CIFAR-10 (one label byte a record) and of CIFAR-100 (two).
#include "engine/core/error.h"
#include "models/data/cifar_file.h"
#include "tests/fuzz/fuzz.h"

using engine::fuzz::file_of;
using engine::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string& path = file_of(data, size);
  for (std::size_t label_bytes : {1, 2}) try {
      const engine::CifarFile file(path, label_bytes);
      std::size_t images = 0, labels = 0;
      file.read_images([&](std::span<const std::byte> part) { images += part.size(); });
      file.read_labels([&](std::span<const std::byte> part) { labels += part.size(); });
      require(labels == static_cast<std::size_t>(file.count()), "a label for each record");
      require(images == labels * engine::CifarFile::kImageBytes, "an image for each record");
      require(images + labels * label_bytes == size, "records that make up the file");
    } catch (const engine::DataError&) {
      continue;
    }
  return 0;
}
