// Model files: a network and its training settings in TOML, with the layers, options, defaults and
// checks of the builder.
//
//   name = "my-net"
//   input = [784]
//   classes = 10
//   batch = 128
//   epochs = 20
//   [optimizer]
//   name = "rmsprop"
//   learning_rate = 1e-3
//   [[layer]]
//   type = "dense"
//   units = 512
//   activation = "relu"
//
// Layers of a branch are tables [[layer.layer]] under their layer.
#pragma once

#include <optional>
#include <string>

#include "models/zoo/zoo.h"

namespace engine {

/// Reads a model. Throws DataError, on one line with the path and the line's number, for a file
/// that is missing, too large, no UTF-8 or no TOML, and for keys and values that are not what is
/// expected, up to layers that do not fit together.
ModelDefinition load_model_file(const std::string& path);

/// The text of a file that load_model_file() makes the same model of, with every option written
/// out. Empty when the network has a layer of no type in the table, as an application's own may be.
std::optional<std::string> describe_model(const ModelDefinition& model);

}  // namespace engine
