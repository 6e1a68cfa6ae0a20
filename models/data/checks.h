// What every reader of a data set has to ask of what it found.
#pragma once

#include <string>

#include "engine/core/shape.h"
#include "models/data/idx.h"

namespace engine {

/// Whether observations of the shape `stored` can be read as `wanted` without changing what their
/// bytes mean: the shapes are equal up to extents of 1, or `wanted` is flat.
bool reads_as(const Shape& stored, const Shape& wanted);

/// A sink for labels that passes on to `sink` (which must outlive it) what is below `classes`, and
/// throws DataError naming `path`, the label and its observation for what is not.
ByteSink checked_labels(int classes, const std::string& path, const ByteSink& sink);

}  // namespace engine
