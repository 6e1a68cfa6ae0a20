#include "kernels/batch_guard.h"

#include "kernels/dropout.h"

namespace engine {

BatchGuardAttributes BatchGuardAttributes::from(const Attributes& attributes) {
  return {attributes.integer("steps_per_epoch"), attributes.flag("mixed"),
          unpack_key(attributes.integer("key")), attributes.integer("first"),
          attributes.integer("count")};
}

Attributes BatchGuardAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set_untuned("steps_per_epoch", steps_per_epoch).set_untuned("mixed", mixed);
  attributes.set_untuned("key", pack_key(key));
  return attributes.set_untuned("first", first).set_untuned("count", count);
}

}  // namespace engine
