// Data that an application already holds as arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "models/data/dataset.h"

namespace engine {

/// One part. Observations row by row, as bytes (which a model scales by its input_scale) or as
/// numbers; targets likewise: one label an observation, or K numbers each.
struct ArrayPart {
  std::variant<std::vector<float>, std::vector<std::uint8_t>> observations;
  std::variant<std::vector<float>, std::vector<std::uint8_t>> targets;
};

/// Each observation has the shape `observation`. Labels must be below `classes`; for numbers
/// `classes` is not looked at. Throws DataError naming the part and both sizes for arrays that do
/// not fit, are empty, or differ in type between the parts.
std::unique_ptr<Dataset> make_dataset(const Shape& observation, int classes, ArrayPart train,
                                      ArrayPart test);

}  // namespace engine
