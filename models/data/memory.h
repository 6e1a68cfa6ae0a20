// Data that an application already holds as arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "models/data/dataset.h"

namespace engine {

/// One part. Observations row by row, as bytes (which a model scales by its input_scale), as
/// numbers, or as tokens; targets likewise: one label an observation, or K numbers each.
struct ArrayPart {
  std::variant<std::vector<float>, std::vector<std::uint8_t>, std::vector<std::int32_t>>
      observations;
  std::variant<std::vector<float>, std::vector<std::uint8_t>> targets;
};

/// Each observation has the shape `observation`. Labels must be below `classes`; for numbers
/// `classes` is not looked at. Tokens must be in [0, vocabulary). Throws DataError naming the part
/// and both sizes for arrays that do not fit, are empty, or differ in type between the parts.
/// `name` is what the description and errors call them, `class_names` what Dataset::class_names()
/// gives.
std::unique_ptr<Dataset> make_dataset(const Shape& observation, int classes, ArrayPart train,
                                      ArrayPart test, std::int64_t vocabulary = 0,
                                      const std::string& name = "arrays",
                                      std::vector<std::string> class_names = {});

}  // namespace engine
