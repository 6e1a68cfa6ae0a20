// Decoding and resizing: every mode of either format, and every fault that a file can have.
#include "models/data/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "models/data/resize.h"
#include "tests/models/data/image_files.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

Image decode(const std::string& file, std::int32_t channels = 3) {
  return decode_image(std::as_bytes(std::span(file)), "test.img", channels);
}

int worst_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int worst = 0;
  for (std::size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i)
    worst = std::max(worst, std::abs(a.pixels[i] - b.pixels[i]));
  return worst;
}

/// What a gray image is as RGB.
Image tripled(const Image& gray) {
  Image image{gray.height, gray.width, 3, {}};
  for (std::uint8_t value : gray.pixels) image.pixels.insert(image.pixels.end(), 3, value);
  return image;
}

TEST(Png, KeepsColoursAndGrayExactly) {
  const Image colours = gradient_image(9, 14), gray = gradient_image(9, 14, 1);
  EXPECT_EQ(worst_difference(decode(png_bytes(colours)), colours), 0);
  EXPECT_EQ(worst_difference(decode(png_bytes(gray)), tripled(gray)), 0);
  EXPECT_EQ(worst_difference(decode(png_bytes(gray), 1), gray), 0);
}

TEST(Png, DropsAlphaLooksUpPalettesAndReduces16Bits) {
  const std::vector<std::uint8_t> rgba{10, 20, 30, 0, 40, 50, 60, 128};
  EXPECT_EQ(decode(png_bytes(1, 2, PNG_FORMAT_RGBA, rgba.data())).pixels,
            (std::vector<std::uint8_t>{10, 20, 30, 40, 50, 60}));
  const std::vector<std::uint8_t> indices{1, 0}, palette{1, 2, 3, 250, 251, 252};
  EXPECT_EQ(
      decode(png_bytes(1, 2, PNG_FORMAT_RGB_COLORMAP, indices.data(), palette.data(), 2)).pixels,
      (std::vector<std::uint8_t>{250, 251, 252, 1, 2, 3}));
  const std::vector<std::uint16_t> wide{0, 65535};
  EXPECT_EQ(decode(png_bytes(1, 2, PNG_FORMAT_LINEAR_Y, wide.data()), 1).pixels,
            (std::vector<std::uint8_t>{0, 255}));
}

TEST(Jpeg, IsNearTheOriginalInEveryMode) {
  constexpr int kNear = 6;  // what quality 95 with halved chroma leaves of a smooth image
  for (bool progressive : {false, true}) {
    const Image colours = gradient_image(25, 38), gray = gradient_image(25, 38, 1);
    EXPECT_LE(worst_difference(decode(jpeg_bytes(colours, progressive)), colours), kNear);
    EXPECT_LE(worst_difference(decode(jpeg_bytes(gray, progressive)), tripled(gray)), kNear);
    EXPECT_LE(worst_difference(decode(jpeg_bytes(gray, progressive), 1), gray), kNear);
  }
  // Inverted CMYK: without black (255) the other inks are red, green and blue.
  Image cmyk{8, 8, 4, {}};
  for (int i = 0; i < 64; ++i) cmyk.pixels.insert(cmyk.pixels.end(), {200, 100, 50, 255});
  Image rgb{8, 8, 3, {}};
  for (int i = 0; i < 64; ++i) rgb.pixels.insert(rgb.pixels.end(), {200, 100, 50});
  EXPECT_LE(worst_difference(decode(jpeg_bytes(cmyk)), rgb), kNear);
}

TEST(Jpeg, ComesSmallerWhereThatIsEnough) {
  const auto decode_for = [](const Image& image, const ImageSize& enough) {
    const std::string file = jpeg_bytes(image);
    return decode_image(std::as_bytes(std::span(file)), "test.img", 3, enough);
  };
  constexpr int kNear = 8;
  const Image image = gradient_image(32, 24);
  for (const auto& [enough, height] : {std::pair(ImageSize{}, 32),
                                       {ImageSize{17, 12}, 32},
                                       {ImageSize{16, 12}, 16},
                                       {ImageSize{8, 6}, 8},
                                       {ImageSize{7, 4}, 8},
                                       {ImageSize{0, 0}, 4}}) {
    const Image read = decode_for(image, enough);
    EXPECT_LE(worst_difference(read, resize(image, height, height * 3 / 4)), kNear);
  }
  const Image odd = decode_for(gradient_image(33, 25), {16, 12});
  EXPECT_EQ(odd.height, 17);
  EXPECT_EQ(odd.width, 13);
}

TEST(Images, GrayIsTheLumaOfColours) {
  const std::vector<std::uint8_t> primaries{255, 0, 0, 0, 255, 0, 0, 0, 255, 77, 77, 77};
  EXPECT_EQ(decode(png_bytes(1, 4, PNG_FORMAT_RGB, primaries.data()), 1).pixels,
            (std::vector<std::uint8_t>{76, 150, 29, 77}));
}

TEST(Images, RefuseWhatIsNeitherFormat) {
  for (const char* file : {"", "x", "GIF89a", "\xff\xd8", "\x89PNG"})
    expect_error<DataError>([&] { decode(file); }, {"test.img", "neither"});
}

TEST(Images, EveryTruncationIsRefused) {
  const Image image = gradient_image(20, 20);
  for (const std::string& whole : {png_bytes(image), jpeg_bytes(image), jpeg_bytes(image, true)})
    for (std::size_t size = 0; size + 20 < whole.size(); ++size)
      expect_error<DataError>([&] { decode(whole.substr(0, size)); }, {"test.img"});
}

TEST(Images, EveryFlippedByteIsRefusedOrHarmless) {
  const Image image = gradient_image(12, 12);
  for (const std::string& whole : {png_bytes(image), jpeg_bytes(image), jpeg_bytes(image, true)})
    for (std::size_t i = 0; i < whole.size(); ++i) {
      std::string file = whole;
      file[i] = static_cast<char>(file[i] ^ 0x41);
      try {
        const Image read = decode(file);
        EXPECT_EQ(read.pixels.size(),
                  static_cast<std::size_t>(read.height) * 3 * static_cast<std::size_t>(read.width));
      } catch (const DataError&) {
        continue;
      }
    }
}

// The size in a header is looked at before memory is spent on it.
TEST(Images, RefuseSizesBeyondTheLimit) {
  std::string jpeg = jpeg_bytes(gradient_image(8, 8));
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc");  // 65500 x 65500
  expect_error<DataError>([&] { decode(jpeg); }, {"test.img", "65500 x 65500"});
  EXPECT_THROW(check_image_size(kMostImageSide + 1, 1, "x"), DataError);
  EXPECT_THROW(check_image_size(0, 1, "x"), DataError);
  EXPECT_NO_THROW(check_image_size(8192, 8192, "x"));
  EXPECT_THROW(check_image_size(8192, 8193, "x"), DataError);
}

TEST(Resize, LeavesTheSameSizeAndFlatImagesAlone) {
  const Image image = gradient_image(7, 5);
  EXPECT_EQ(worst_difference(resize(image, 7, 5), image), 0);
  const Image flat{3, 9, 1, std::vector<std::uint8_t>(27, 201)};
  for (const auto& [height, width] : {std::pair{1, 1}, {2, 40}, {17, 3}}) {
    const Image result = resize(flat, height, width);
    EXPECT_EQ(result.pixels,
              std::vector<std::uint8_t>(
                  static_cast<std::size_t>(height) * static_cast<std::size_t>(width), 201));
  }
}

// By hand: centres at halves, edges held, triangles as wide as the larger pixel.
TEST(Resize, WeighsNeighboursByATriangle) {
  const Image two{1, 2, 1, {0, 100}};
  EXPECT_EQ(resize(two, 1, 4).pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
  const Image four{1, 4, 1, {0, 0, 80, 160}};
  // Weights 3/7, 3/7, 1/7 and their mirror.
  EXPECT_EQ(resize(four, 1, 2).pixels, (std::vector<std::uint8_t>{11, 103}));
  const Image column{2, 1, 1, {0, 100}};
  EXPECT_EQ(resize(column, 4, 1).pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
}

// The mean under the triangle around each pixel, one by one in double.
double mean_under_triangle(const Image& image, double y, double x, double scale_y, double scale_x,
                           std::size_t channel) {
  const auto weight = [](double center, double scale, int i) {
    return std::max(0.0, 1 - std::abs(i + 0.5 - (center + 0.5) * scale) / std::max(scale, 1.0));
  };
  double sum = 0, total = 0;
  for (int i = 0; i < image.height; ++i)
    for (int j = 0; j < image.width; ++j) {
      const double w = weight(y, scale_y, i) * weight(x, scale_x, j);
      const std::size_t pixel = static_cast<std::size_t>(i * image.width + j);
      sum += w * image.pixels[pixel * static_cast<std::size_t>(image.channels) + channel];
      total += w;
    }
  return sum / total;
}

TEST(Resize, IsAMeanUnderATriangleInEverySize) {
  for (int channels : {1, 3})
    for (const auto& [height, width] : {std::pair{5, 7}, {40, 9}, {21, 70}, {1, 33}, {19, 34}}) {
      Image image{20, 33, channels, {}};
      for (int i = 0; i < 20 * 33 * channels; ++i)
        image.pixels.push_back(static_cast<std::uint8_t>(i * 97 + i * i / 7));
      const Image result = resize(image, height, width);
      std::size_t at = 0;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c)
            ASSERT_NEAR(result.pixels[at++],
                        mean_under_triangle(image, y, x, 20.0 / height, 33.0 / width, c), 0.501)
                << height << " x " << width << ": " << y << ", " << x;
    }
}

}  // namespace
}  // namespace engine
