// Options that layers have in common whose windows slide over images: convolution and pooling.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/convolution.h"
#include "models/layers/options.h"

namespace engine {

inline constexpr const char* kValid = "valid";
inline constexpr const char* kSame = "same";
inline constexpr const char* kPaddingMeaning =
    "valid: none; same: zeros around, so that stride 1 keeps the extents; \"1\": 1 on every side";
inline const std::vector<std::int64_t> kOnes{1};

/// Throws OptionError unless `extents` are one to three numbers of 1 or more.
void check_extents(const char* option, const std::vector<std::int64_t>& extents);
/// Throws OptionError unless `padding` is valid, same, or a number as text.
void check_padding(const std::string& padding);
/// What a description says of padding: " same", " padding 1", nothing of none.
std::string print_padding(const std::string& padding);
/// "3x3"
std::string print_extents(const std::vector<std::int64_t>& extents);

/// The number of spatial dimensions of [B, channels, S...]; throws ShapeError naming the layer
/// unless it is 1 to 3.
int expect_image_rank(const std::string& layer, const TensorType& x);
/// The option's numbers, a single one repeated `rank` times; throws ShapeError naming layer and
/// option when their number is neither 1 nor `rank`.
Extents3 spatial_option(const std::string& layer, const char* option,
                        const std::vector<std::int64_t>& values, int rank);
/// The window over images of `shape`, padded as `padding` says.
WindowAttributes make_window(const std::string& layer, const std::vector<std::int64_t>& stride,
                             const std::vector<std::int64_t>& dilation, const std::string& padding,
                             const Shape& shape, const Extents3& kernel);

}  // namespace engine
