// The safetensors format: the length of a JSON header in 8 little-endian bytes, the header, which
// gives each tensor's dtype, shape and [begin, end) in the data, and the data, which the tensors
// cover without a hole. Tensors are written by falling element size, then by name, so that each is
// aligned and equal contents make equal files; nothing of the time or machine is stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/core/tensor.h"
#include "models/data/idx.h"
#include "models/data/input_file.h"

namespace engine {

using Metadata = std::map<std::string, std::string>;

struct TensorSource {
  std::string name;
  TensorType type;
  /// Hands the tensor's bytes to the sink in order, in as many calls as it likes.
  std::function<void(const ByteSink& sink)> produce;
};

/// Replaces `path` atomically. Throws UsageError for a name that is taken twice or reserved or text
/// that is not UTF-8, InternalError for a source of another size than its type, FileError.
void write_safetensors(const std::string& path, std::vector<TensorSource> tensors,
                       const Metadata& metadata);

struct StoredTensor {
  std::string name;
  TensorType type;
  std::uint64_t offset = 0;  ///< in the file
};

/// An open file whose header has been verified in full: dtypes known, sizes equal to shape times
/// dtype, and the data covered exactly once.
class SafetensorsFile {
 public:
  /// Throws DataError naming the file and the field.
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const Metadata& metadata() const { return metadata_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }  ///< by offset
  const StoredTensor* find(const std::string& name) const;               ///< nullptr when absent
  /// Reads one of tensors() into `out`, of its size.
  void read(const StoredTensor& tensor, std::span<std::byte> out) const;

 private:
  std::string read_header() const;
  void parse(const std::string& header);
  void verify_coverage(std::uint64_t data_begin);

  InputFile file_;
  Metadata metadata_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace engine
