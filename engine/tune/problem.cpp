#include "engine/tune/problem.h"

namespace engine {

std::string Problem::key() const {
  std::string key = "v1 " + op;
  if (const std::string tuned = attributes.tuned_string(); !tuned.empty()) key += ' ' + tuned;
  key += " :";
  for (const TensorType& type : inputs) key += ' ' + type.to_string();
  key += " ->";
  for (const TensorType& type : outputs) key += ' ' + type.to_string();
  key += math == Math::strict ? " : strict" : " : tf32";
  if (deterministic) key += " deterministic";
  return key;
}

}  // namespace engine
