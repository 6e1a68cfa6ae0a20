// Tokens numbered anew, by one pass over the tokens, one over the vocabulary and one over the
// tokens again: on one thread, since a pass takes some ten microseconds.
#include "kernels/renumber_tokens.h"

#include <algorithm>

#include "engine/tune/registry.h"

namespace engine {
namespace cpu {
namespace {

void renumber(const RenumberExtents& n, const LaunchArguments& arguments) {
  const std::int32_t* tokens = arguments.inputs[0].as<std::int32_t>();
  std::int32_t* rows = arguments.outputs[0].as<std::int32_t>();
  std::int32_t* numbers = arguments.outputs[1].as<std::int32_t>();
  std::int32_t* places = arguments.outputs[2].as<std::int32_t>();
  const auto known = [&](std::int64_t i) { return tokens[i] >= 0 && tokens[i] < n.vocabulary; };
  std::fill_n(places, n.vocabulary, -1);
  for (std::int64_t i = 0; i < n.tokens; ++i)
    if (known(i)) places[tokens[i]] = 0;
  std::int32_t count = 0;
  for (std::int64_t token = 0; token < n.vocabulary; ++token) {
    if (places[token] < 0) continue;
    rows[count] = static_cast<std::int32_t>(token);
    places[token] = count++;
  }
  std::fill(rows + count, rows + n.rows, -1);
  for (std::int64_t i = 0; i < n.tokens; ++i) numbers[i] = known(i) ? places[tokens[i]] : -1;
}

}  // namespace
}  // namespace cpu

void register_renumber_tokens_cpu(CandidateRegistry& registry) {
  registry.add(SimpleCandidate{.op = "renumber_tokens",
                               .backend = "cpu",
                               .id = "cpu.passes",
                               .prepare = [](const Problem& p) {
                                 return [n = RenumberExtents::of(p)](
                                            const LaunchArguments& arguments) {
                                   cpu::renumber(n, arguments);
                                 };
                               }});
}

}  // namespace engine
