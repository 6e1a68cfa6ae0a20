#include "kernels/dropout.h"

namespace engine {

std::int64_t pack_key(RandomKey key) {
  return static_cast<std::int64_t>(std::uint64_t{key.high} << 32 | key.low);
}

RandomKey unpack_key(std::int64_t packed) {
  const auto bits = static_cast<std::uint64_t>(packed);
  return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
}

DropoutAttributes DropoutAttributes::from(const Attributes& attributes) {
  return {attributes.real("rate"), unpack_key(attributes.integer("key"))};
}

void DropoutAttributes::add_to(Attributes& attributes) const {
  attributes.set("rate", rate).set_untuned("key", pack_key(key));
}

}  // namespace engine
