#include "kernels/batch_indices.h"

#include "kernels/dropout.h"

namespace engine {

BatchIndicesAttributes BatchIndicesAttributes::from(const Attributes& attributes) {
  return {attributes.integer("count"),           attributes.integer("batch"),
          attributes.integer("steps_per_epoch"), attributes.flag("shuffle"),
          unpack_key(attributes.integer("key")), attributes.flag("mixed"),
          attributes.integer("first_batch"),     attributes.integer("first_row")};
}

Attributes BatchIndicesAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("count", count).set("batch", batch).set("steps_per_epoch", steps_per_epoch);
  attributes.set("shuffle", shuffle).set_untuned("key", pack_key(key)).set_untuned("mixed", mixed);
  attributes.set_untuned("first_batch", first_batch).set_untuned("first_row", first_row);
  return attributes;
}

}  // namespace engine
