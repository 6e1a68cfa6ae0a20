// A drawing of the arena: the steps of the program from left to right, offsets from bottom to top,
// a rectangle for each value from the step that makes it to the last one that reads it.
#pragma once

#include <string>

#include "tools/profile/arena.h"

namespace engine::tools {

/// The text of an SVG file. `title` says of what.
std::string draw_arena(const ArenaPlan& plan, const std::string& title);

}  // namespace engine::tools
