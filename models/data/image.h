// Image files as pixels. JPEG and PNG are told apart by how a file begins, not by its name. Files
// are taken to be hostile: what a header promises is checked before memory is spent on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// Rows of pixels, channels interleaved: red, green, blue, or gray alone.
struct Image {
  std::int32_t height = 0, width = 0, channels = 3;
  std::vector<std::uint8_t> pixels;  ///< [height, width, channels]
};

/// Larger images are refused: decoding one takes up to 16 bytes a pixel.
inline constexpr std::int64_t kMostPixels = std::int64_t{1} << 26;
inline constexpr std::int64_t kMostImageSide = 65535;
/// Larger files are.
inline constexpr std::uint64_t kMostImageFileBytes = std::uint64_t{1} << 28;

/// How large an image has to be at least for what becomes of it.
struct ImageSize {
  std::int64_t height = std::numeric_limits<std::int64_t>::max();
  std::int64_t width = std::numeric_limits<std::int64_t>::max();
};

/// Decodes to `channels`, 3 or 1, whatever the file has: gray is repeated, palettes are looked up,
/// CMYK is converted without a profile, an alpha channel is dropped, 16 bits are reduced to 8; gray
/// is made of colours by ITU-R 601. How a camera was held (EXIF) is not looked at. Throws DataError
/// naming `name` for data that are damaged, cut short, too large, or neither JPEG nor PNG. The
/// image is as large as in the file, but a JPEG may come at a half, a quarter or an eighth of that,
/// rounded up, where both sides remain `enough`: its blocks are then transformed to fewer pixels,
/// each the mean of those it stands for, in a fraction of the time.
Image decode_image(std::span<const std::byte> file, const std::string& name, std::int32_t channels,
                   const ImageSize& enough = {});
/// The same of a file.
Image read_image(const std::string& path, std::int32_t channels, const ImageSize& enough = {});

/// Throws DataError unless both sides are in [1, kMostImageSide] and there are at most kMostPixels.
void check_image_size(std::int64_t width, std::int64_t height, const std::string& name);

// One format each, to RGB.
Image decode_jpeg(std::span<const std::byte> file, const std::string& name,
                  const ImageSize& enough);
Image decode_png(std::span<const std::byte> file, const std::string& name);

}  // namespace engine
