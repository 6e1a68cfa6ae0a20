// The memory plan of a training step as rows: which value lies where in the arena, and when.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/program.h"
#include "tools/profile/node_kind.h"

namespace engine::tools {

enum class ArenaKind { activation, gradient, update, workspace };
const char* kind_name(ArenaKind kind);
const char* kind_colour(ArenaKind kind);

/// One interval of the arena. Steps are those of the program (launches), both inclusive.
struct ArenaValue {
  std::string name;   ///< "%12", "workspace of dense_1"
  std::string label;  ///< of the node that makes it
  std::string type;   ///< "f32[128, 512]"; empty for a workspace
  ArenaKind kind;
  std::size_t bytes, offset;
  std::size_t first_step, last_step;
};

struct ArenaPlan {
  std::vector<ArenaValue> values;   ///< by first step, then offset
  std::vector<std::string> steps;   ///< labels of the program's steps
  std::vector<std::size_t> live;    ///< bytes alive at each step
  std::size_t arena_bytes = 0;      ///< what the plan takes
  std::size_t peak_step = 0;        ///< the first one at which the most bytes are alive
  std::size_t lower_bound() const;  ///< bytes alive there: no plan takes less
  /// The part of the arena by which the plan exceeds that bound.
  double fragmentation() const;
};

ArenaPlan arena_plan(const graph::Program& program);

}  // namespace engine::tools
