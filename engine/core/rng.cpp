#include "engine/core/rng.h"

#include "engine/core/hash.h"

namespace engine {

RandomKey random_key(std::uint64_t seed, std::string_view name) {
  // FNV-1a spreads the name over 64 bits; one Philox call then mixes it with the seed, so that
  // neighbouring seeds and similar names give unrelated keys.
  const std::uint64_t hash = fnv1a(name);
  const Random4 mixed =
      philox({static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, hash, 0);
  return {mixed.word[0], mixed.word[1]};
}

}  // namespace engine
