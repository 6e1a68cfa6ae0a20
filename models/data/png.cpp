// PNG by libpng's simplified interface, which returns errors instead of jumping.
#include <png.h>

#include <fmt/format.h>

#include "engine/core/error.h"
#include "models/data/image.h"

namespace engine {
namespace {

class Png {
 public:
  Png(std::span<const std::byte> file, const std::string& name) : name_(name) {
    image_.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&image_, file.data(), file.size()) == 0) fail();
    // 16 bits are taken to be encoded as 8 are; and alpha is dropped, so it is asked for.
    image_.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    image_.format = PNG_FORMAT_RGBA;
  }
  ~Png() { png_image_free(&image_); }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;

  std::int64_t width() const { return image_.width; }
  std::int64_t height() const { return image_.height; }
  /// Four components a pixel.
  void decode(std::uint8_t* pixels) {
    if (png_image_finish_read(&image_, nullptr, pixels, 0, nullptr) == 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw DataError(fmt::format("{}: damaged PNG: {}", name_, image_.message));
  }

  const std::string& name_;
  png_image image_{};
};

}  // namespace

Image decode_png(std::span<const std::byte> file, const std::string& name) {
  Png png(file, name);
  check_image_size(png.width(), png.height(), name);
  Image image{
      static_cast<std::int32_t>(png.height()), static_cast<std::int32_t>(png.width()), 3, {}};
  const auto count = static_cast<std::size_t>(png.width() * png.height());
  image.pixels.resize(4 * count);
  png.decode(image.pixels.data());
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t c = 0; c < 3; ++c) image.pixels[3 * i + c] = image.pixels[4 * i + c];
  image.pixels.resize(3 * count);
  return image;
}

}  // namespace engine
