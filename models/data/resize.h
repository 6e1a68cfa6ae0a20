// Images in another size: bilinear, antialiased where they shrink.
#pragma once

#include "models/data/image.h"

namespace engine {

/// Stretches `image` to height x width. Pixel centres lie at halves; a result is the mean of the
/// pixels around it under a triangle whose half-width is one pixel of the larger grid, as in
/// Pillow's BILINEAR (from which it differs by rounding alone: sums are f32 here).
Image resize(const Image& image, std::int32_t height, std::int32_t width);

}  // namespace engine
