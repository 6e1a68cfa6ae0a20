// JPEG and PNG files, to colours and to gray, and stretched.
#include <span>

#include "engine/core/error.h"
#include "models/data/image.h"
#include "models/data/resize.h"
#include "tests/fuzz/fuzz.h"

using engine::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  for (std::int32_t channels : {1, 3}) try {
      const engine::Image image = engine::decode_image(file, "input", channels);
      require(image.channels == channels, "an image of the channels asked for");
      require(image.pixels.size() == static_cast<std::size_t>(image.height) *
                                         static_cast<std::size_t>(image.width) *
                                         static_cast<std::size_t>(channels),
              "as many pixels as the image is large");
      require(engine::resize(image, 7, 5).pixels.size() == static_cast<std::size_t>(35 * channels),
              "an image of the size asked for");
    } catch (const engine::DataError&) {
      continue;
    }
  return 0;
}
