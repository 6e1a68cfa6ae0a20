// A folder in the layout of MNIST (and Fashion-MNIST, KMNIST, …): four IDX files, each plain or
// gzip.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "models/data/dataset.h"

namespace engine {

/// Whether `folder` has at least one file of the layout.
bool looks_like_mnist(const std::filesystem::path& folder);

/// "train-images-idx3-ubyte[.gz], …": the files of the layout.
std::string mnist_layout();

/// Throws DataError for a missing file, headers that are malformed or disagree, and images that do
/// not fit `expected`: their shape must equal it up to extents of 1, or it must be flat.
std::unique_ptr<Dataset> open_mnist(const std::filesystem::path& folder,
                                    const DatasetExpectation& expected);

}  // namespace engine
