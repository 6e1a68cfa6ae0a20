// A file of the binary versions of CIFAR-10 and CIFAR-100: records without a header, each one or
// two label bytes (CIFAR-100: the coarse label, then the fine one) and an image of 3 x 32 x 32
// bytes, planes of red, green and blue. See https://www.cs.toronto.edu/~kriz/cifar.html.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "engine/core/error.h"
#include "engine/core/shape.h"
#include "models/data/idx.h"
#include "models/data/input_file.h"

namespace engine {

class CifarFile {
 public:
  static constexpr std::size_t kImageBytes = 3 * 32 * 32;

  /// `label_bytes` come before each image; the last of them counts. Throws DataError naming the
  /// file, its size and that of a record when there is not a whole number of records, or none.
  CifarFile(const std::string& path, std::size_t label_bytes);

  const std::string& path() const { return path_; }
  std::int64_t count() const { return count_; }

  /// Stream the images, [count, 3, 32, 32], or the labels, [count]; throw DataError when the file
  /// changed since it was opened. Nothing is asked of a label.
  void read_images(const ByteSink& sink) const { read(label_bytes_, kImageBytes, sink); }
  void read_labels(const ByteSink& sink) const { read(label_bytes_ - 1, 1, sink); }
  /// Image `index` alone, out of this file opened by open().
  void read_image(const InputFile& file, std::int64_t index, std::span<std::byte> out) const;
  /// Throws DataError when the file changed.
  InputFile open() const;

 private:
  /// `length` bytes of each record, from its byte `first` on.
  void read(std::size_t first, std::size_t length, const ByteSink& sink) const;
  DataError ends_early(std::uint64_t at) const;
  std::size_t record() const { return label_bytes_ + kImageBytes; }

  std::string path_;
  std::size_t label_bytes_;
  std::int64_t count_;
};

}  // namespace engine
