// Makes JPEG and PNG files in memory.
#pragma once

#include <stdio.h>  // jpeglib.h needs it before

#include <jpeglib.h>
#include <png.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/data/image.h"

namespace engine {

/// Pixel (y, x) of channel c is smooth, so that JPEG keeps it nearly.
inline Image gradient_image(std::int32_t height, std::int32_t width, std::int32_t channels = 3) {
  Image image{height, width, channels, {}};
  for (std::int32_t y = 0; y < height; ++y)
    for (std::int32_t x = 0; x < width; ++x)
      for (std::int32_t c = 0; c < channels; ++c)
        image.pixels.push_back(static_cast<std::uint8_t>(40 + 3 * y + 2 * x + 20 * c));
  return image;
}

/// `pixels` in one of libpng's PNG_FORMAT_…
inline std::string png_bytes(std::int32_t height, std::int32_t width, png_uint_32 format,
                             const void* pixels, const void* colormap = nullptr,
                             png_uint_32 colors = 0) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(width);
  png.height = static_cast<png_uint_32>(height);
  png.format = format;
  png.colormap_entries = colors;
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&png, nullptr, &size, 0, pixels, 0, colormap) == 0)
    throw std::runtime_error(png.message);
  std::string out(size, '\0');
  if (png_image_write_to_memory(&png, out.data(), &size, 0, pixels, 0, colormap) == 0)
    throw std::runtime_error(png.message);
  out.resize(size);
  return out;
}

inline std::string png_bytes(const Image& image) {
  return png_bytes(image.height, image.width,
                   image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB, image.pixels.data());
}

/// Of 1, 3 or 4 channels: gray, RGB, or CMYK as it is.
inline std::string jpeg_bytes(const Image& image, bool progressive = false) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &out, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = image.channels;
  jpeg.in_color_space = image.channels == 1   ? JCS_GRAYSCALE
                        : image.channels == 3 ? JCS_RGB
                                              : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 95, TRUE);
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<std::uint8_t*>(image.pixels.data()) +
                jpeg.next_scanline * jpeg.image_width * static_cast<unsigned>(image.channels);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string bytes(reinterpret_cast<const char*>(out), size);
  free(out);
  return bytes;
}

}  // namespace engine
