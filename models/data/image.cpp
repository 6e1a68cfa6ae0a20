#include "models/data/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/core/error.h"
#include "models/data/input_file.h"

namespace engine {
namespace {

bool begins_with(std::span<const std::byte> file, std::span<const std::uint8_t> magic) {
  return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin(),
                                                   [](std::uint8_t wanted, std::byte found) {
                                                     return std::byte{wanted} == found;
                                                   });
}

/// ITU-R 601 luma in 16 bits of fraction, whose weights add up to 1: gray stays what it is.
Image to_gray(const Image& image) {
  Image gray{image.height, image.width, 1, std::vector<std::uint8_t>(image.pixels.size() / 3)};
  for (std::size_t i = 0; i < gray.pixels.size(); ++i) {
    const std::uint8_t* rgb = &image.pixels[3 * i];
    gray.pixels[i] = static_cast<std::uint8_t>(
        (19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >> 16);
  }
  return gray;
}

}  // namespace

void check_image_size(std::int64_t width, std::int64_t height, const std::string& name) {
  const bool sensible = width >= 1 && height >= 1 && width <= kMostImageSide &&
                        height <= kMostImageSide && width * height <= kMostPixels;
  if (!sensible)
    throw DataError(
        fmt::format("{}: the image is {} x {}, expected sides from 1 to {} and at most "
                    "{} pixels",
                    name, width, height, kMostImageSide, kMostPixels));
}

Image decode_image(std::span<const std::byte> file, const std::string& name, std::int32_t channels,
                   const ImageSize& enough) {
  static constexpr std::array<std::uint8_t, 3> kJpeg{0xff, 0xd8, 0xff};
  static constexpr std::array<std::uint8_t, 8> kPng{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Image image;
  if (begins_with(file, kJpeg))
    image = decode_jpeg(file, name, enough);
  else if (begins_with(file, kPng))
    image = decode_png(file, name);
  else
    throw DataError(
        fmt::format("{}: begins neither like a JPEG nor like a PNG ({} bytes)", name, file.size()));
  return channels == 1 ? to_gray(image) : image;
}

Image read_image(const std::string& path, std::int32_t channels, const ImageSize& enough) {
  const InputFile file(path);
  if (file.size() > kMostImageFileBytes)
    throw DataError(fmt::format("{}: {} bytes, expected an image of at most {}", path, file.size(),
                                kMostImageFileBytes));
  std::vector<std::byte> bytes(file.size());
  const std::size_t got = file.read_at(0, bytes);
  return decode_image(std::span(bytes).first(got), path, channels, enough);
}

}  // namespace engine
