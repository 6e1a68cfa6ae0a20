// Checkpoints: whatever is accepted can be read in full.
#include <vector>

#include "engine/core/error.h"
#include "models/train/safetensors.h"
#include "tests/fuzz/fuzz.h"

namespace {

void read_all(const std::string& path, std::size_t size) {
  const engine::SafetensorsFile file(path);
  std::size_t bytes = 0;
  for (const engine::StoredTensor& tensor : file.tensors()) {
    std::vector<std::byte> out(tensor.type.bytes());
    file.read(tensor, out);
    bytes += out.size();
    engine::fuzz::require(file.find(tensor.name) != nullptr, "a tensor that is not found");
  }
  engine::fuzz::require(bytes < size, "tensors that are larger than their file");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_all(engine::fuzz::file_of(data, size), size);
  } catch (const engine::DataError&) {
    return 0;
  }
  return 0;
}
